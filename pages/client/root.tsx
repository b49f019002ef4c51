import { useEffect, useRef, useState } from 'preact/hooks';
import { hrefOf, toggled, type Address } from '../address.ts';
import { isFault, type Get } from '../api.ts';
import { loadPage } from '../load.ts';
import { App } from '../parts/app.tsx';
import { previewOf } from '../preview.ts';
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
export function Root({ initial, get }: { readonly initial: PageState; readonly get: Get }) {
  const [state, setState] = useState(initial);
  const [isLive, setLive] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<{ readonly sentence: string; readonly href: string }>();
  const current = useRef(state);
  const asked = useRef(0);
  const show = (next: PageState) => {
    current.current = next;
    setState(next);
    document.title = previewOf(next).title;
  };

  useEffect(() => {
    document.documentElement.classList.add('live');
    setLive(true);
    const go = async (address: Address, options: { keepsScroll: boolean; replaces?: boolean }) => {
      const { page, address: before } = current.current;
      if (page === address.page && dataOf(before) === dataOf(address)) {
        writeAddress(address, options.replaces ?? false);
        setFailure(undefined);
        show(atAddress(current.current, address));
        return;
      }
      asked.current += 1;
      const turn = asked.current;
      setBusy(true);
      const { today, site, origin } = current.current;
      const next = await loadPage(address, { get, today, site, origin });
      if (turn !== asked.current) return undefined; // the reader went on meanwhile
      setBusy(false);
      const sentence = passingFault(next);
      if (sentence !== undefined) {
        setFailure({ sentence, href: hrefOf(address) });
        return;
      }
      setFailure(undefined);
      writeAddress(address, options.replaces ?? false);
      show(next);
      if (options.keepsScroll) return undefined;
      scrollTo(0, 0);
      return document.getElementById('main')?.focus();
    };
    const toggle = (key: string, isOpen: boolean) => {
      const { address } = current.current;
      if (!('open' in address) || address.open.includes(key) === isOpen) return;
      const next = toggled(address, key);
      writeAddress(next, true);
      show(atAddress(current.current, next));
    };
    const end = listen({ go: (address, options) => void go(address, options), toggle });
    const address = withReader(currentAddress());
    if (address.page === 'board') void go(address, { keepsScroll: true, replaces: true });
    return end;
  }, []);

  return <App state={state} isLive={isLive} isBusy={isBusy} get={get} failure={failure} />;
}
