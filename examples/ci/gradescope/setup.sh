#!/usr/bin/env bash
# Run once, when Gradescope makes the image of the autograder: installs Node, and Ringside from the folder beside this file.
set -euo pipefail
apt-get update
# 18 or later: Ubuntu has it from 24.04 on. Ringside brings a newer one along for itself.
apt-get install -y nodejs npm
node -e 'if (parseInt(process.versions.node) < 18) { console.error("Node " + process.versions.node + " is too old: choose a base image with Ubuntu 24.04 or later."); process.exit(1); }'
cd /autograder/source/ringside
npm install --no-audit --no-fund
