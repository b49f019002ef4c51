import { hydrate } from 'preact';

hydrate(null, document.createElement('div'));
