// Package cert is what certificates say about nodes: the node IDs they name, the
// fingerprints they are pinned by, the files they are kept in, and how they are
// made. It reads no file, no clock and no source of randomness itself.
//
// A node ID is an otherName in the subjectAltName extension:
//
//	SEQUENCE {
//	    [2] DNS name *
//	    [7] IP address *
//	    [0] {                                          one per node ID
//	        OBJECT IDENTIFIER 1.3.6.1.4.1.2312.19.1
//	        [0] EXPLICIT UTF8String <node ID>
//	    } *
//	}
package cert
