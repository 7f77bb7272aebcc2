// Package certs are the commands that make certificates for nodes:
//
//	cert-init      an authority: its key and its certificate
//	cert-makereq   a node's key, and the request for a certificate that names it
//	cert-signreq   the certificate, made of a request by the authority
//
// A file that holds a private key is never written over unless the command is
// told to.
package certs
