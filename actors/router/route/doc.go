// Package route knows which way is shortest and which news to believe.
//
//	Graph  who says to be connected to whom; Table: the next hop to everybody
//	DB     a Graph fed with routing updates: accepts, refuses, asks to flood on
//	Ads    the service advertisements of other nodes, and their withdrawals
//
// It is pure: the time is a parameter, and what it decides is done by others.
package route
