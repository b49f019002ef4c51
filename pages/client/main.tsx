import { isView, sentenceOf, type Answer, type ApiPath } from '../api.ts';
import type { PageState } from '../state.ts';
import { goOn } from './root.tsx';

/** The server that made the page made this, too. */
const isState = (_value: unknown): _value is PageState => true;

async function get<View>({ path }: ApiPath<View>): Promise<Answer<View>> {
  try {
    const response = await fetch(path, { headers: { accept: 'application/json' } });
    const body: unknown = await response.json();
    if (response.ok && isView<View>(body)) return { ok: true, view: body };
    return { ok: false, status: response.status, sentence: sentenceOf(body, response.status) };
  } catch {
    return { ok: false, status: 0, sentence: 'The server did not answer.' };
  }
}

const app = document.getElementById('app');
const state: unknown = JSON.parse(app?.dataset.state ?? 'null');
if (app !== null && state !== null && isState(state)) goOn(state, get, app);
