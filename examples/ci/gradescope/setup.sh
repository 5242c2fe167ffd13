#!/usr/bin/env bash
# Run once, when Gradescope makes the image of the autograder: installs Node, and Ringside from the folder beside this file.
set -euo pipefail
apt-get update
apt-get install -y ca-certificates curl
curl -fsSL https://deb.nodesource.com/setup_24.x | bash -
apt-get install -y nodejs
cd /autograder/source/ringside
npm install --no-audit --no-fund
