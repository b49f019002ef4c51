import { hydrate, render } from 'preact';
import { hrefOf, toggled, type Address } from '../address.ts';
import { isFault, type Get } from '../api.ts';
import { loadPage } from '../load.ts';
import { App, type AppProps } from '../parts/app.tsx';
import { titleOf } from '../preview.ts';
import { mainAnswer, type PageState } from '../state.ts';
import { currentAddress, listen, withReader, writeAddress } from './navigation.ts';

/** An address without what is only unfolded or typed. Two addresses that are equal in this have the same data. */
const dataOf = (address: Address): string => JSON.stringify({ ...address, open: undefined, inputs: undefined });

/** The same page at another address, its data being the same. */
function atAddress(state: PageState, address: Address): PageState {
  if (state.page === 'person' && address.page === 'person') return { ...state, address };
  if (state.page === 'community' && address.page === 'community') return { ...state, address };
  if (state.page === 'rules' && address.page === 'rules') return { ...state, address };
  return state;
}

/** Until the server answers again, the reader keeps the page as it is. */
function passingFault(state: PageState): string | undefined {
  const main = mainAnswer(state);
  return isFault(main) ? main.sentence : undefined;
}

/** The page in a browser: it goes on from what the server sent, and stays as it is until something new has come. */
export function goOn(initial: PageState, get: Get, parent: Element): void {
  let shown: AppProps = { state: initial, isLive: false, isBusy: false, get };
  let asked = 0;
  const show = (change: Partial<AppProps>) => {
    shown = { ...shown, ...change };
    render(<App {...shown} />, parent);
    document.title = titleOf(shown.state);
  };

  const go = async (address: Address, options: { keepsScroll: boolean; replaces?: boolean }) => {
    const { state } = shown;
    if (state.page === address.page && dataOf(state.address) === dataOf(address)) {
      writeAddress(address, options.replaces ?? false);
      show({ state: atAddress(state, address), failure: undefined });
      return undefined;
    }
    asked += 1;
    const turn = asked;
    show({ isBusy: true });
    const next = await loadPage(address, { ...state, get });
    if (turn !== asked) return undefined; // the reader went on meanwhile
    const sentence = passingFault(next);
    if (sentence !== undefined) {
      show({ isBusy: false, failure: { sentence, href: hrefOf(address) } });
      return undefined;
    }
    writeAddress(address, options.replaces ?? false);
    show({ state: next, isBusy: false, failure: undefined });
    if (options.keepsScroll) return undefined;
    scrollTo(0, 0);
    return document.getElementById('main')?.focus();
  };
  const toggle = (key: string, isOpen: boolean) => {
    const { address } = shown.state;
    if (!('open' in address) || address.open.includes(key) === isOpen) return;
    const next = toggled(address, key);
    writeAddress(next, true);
    show({ state: atAddress(shown.state, next) });
  };

  hydrate(<App {...shown} />, parent);
  document.documentElement.classList.add('live');
  show({ isLive: true });
  listen({ go: (address, options) => void go(address, options), toggle });
  const address = withReader(currentAddress());
  if (address.page === 'board') void go(address, { keepsScroll: true, replaces: true });
}
