/** What the published document promises, on one stack: each module is a test of its own. */
import './openapi.ts';
import './typed-client.ts';
