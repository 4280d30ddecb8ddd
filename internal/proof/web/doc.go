// Package web looks at the pages of kioskd and of its fleet with Debian's Chromium, as technicians, newcomers, customers
// and operators do. It is a module of its own, so that nothing of a browser's is among kioskd's modules, and starts the
// built programs. All tests share one Chromium, each with a profile of its own, and run beside each other.
//
//	make web      installs Chromium where it is missing, and runs all of it; the pictures are in bin/screenshots
package web
