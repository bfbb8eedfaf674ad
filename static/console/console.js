/* Behaviour of the console's pages. Every page works without it. */
import './palette.js';
import './selection.js';
import './fresh.js';
import './policies.js';
import './import.js';
import './setup.js';
