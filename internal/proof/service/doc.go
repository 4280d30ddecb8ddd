// Package service holds the tests of kioskd.service, which run on a whole machine: see run.
package service
