// Package web looks at kioskd's pages with Debian's Chromium, as a technician and a newcomer do. It is a module of
// its own, so that nothing of a browser's is among kioskd's modules, and starts the built programs.
//
//	make web      installs Chromium where it is missing, and runs all of it; the pictures are in bin/screenshots
package web
