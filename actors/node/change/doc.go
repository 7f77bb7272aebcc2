// Package change compares two configurations part by part. It is pure: it says what
// differs and what has to be done about it, and does none of it.
package change
