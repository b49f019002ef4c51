/** Each module tests one way through the whole stack. They share one stack, because each has data of its own. */
import './ledger.ts'; // first, because it counts all users
import './hooks.ts';
import './extension-api.ts';
