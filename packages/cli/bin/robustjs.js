#!/usr/bin/env node
// Committed, so that npm can link it in a clone that is not built yet.
import '../dist/main.js';
