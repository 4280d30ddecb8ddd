// Package toolkits lets SOAP toolkits that nobody here wrote talk to Glase's simulator, and our client to servers made
// with them.
//
// Python's zeep and suds, PHP's SoapClient and npm's soap each read the interface from glasesim's own ?wsdl and play
// the same scenes (scenes_test.go) through a bridge of a few lines: a JSON object on a line in, {"op", "args"}, and one
// out, {"return"}, {"fault"} or {"error"}. The other way round, servers made by npm's soap and PHP's SoapServer from
// that interface note what they understood of each of our client's twelve requests, and answer (servers_test.go).
//
//	make toolkits      installs the toolkits where they are missing, and runs all of it
package toolkits
