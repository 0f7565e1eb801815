#!/bin/sh
# Install what building and testing on this machine needs, if it is missing.
# As root, or as a user who may use sudo. Silent when nothing is missing.
. "$(dirname "$0")/common.sh"
need_build
need_tests
