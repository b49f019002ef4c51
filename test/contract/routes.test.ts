/** What the routes answer, on one stack: each module is a test of its own. */
import './cases.ts';
import './keys-and-routes.ts';
import './every-route.ts';
