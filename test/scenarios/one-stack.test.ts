/** Ways through the whole stack that keep out of each other's data, on one stack: each module is a test of its own. */
import './ledger.ts'; // first, because it counts all users
import './hooks.ts';
import './extension-api.ts';
