import { addressOf, hrefOf, type Address } from '../address.ts';

/** What links, forms and explanations of a page ask for, in a browser that goes on by itself. */
export type Wishes = {
  /** Another address; `keepsScroll` where the reader stays at the same place. */
  go(address: Address, options: { readonly keepsScroll: boolean; readonly replaces?: boolean }): void;
  /** An explanation was opened or closed: nothing is to be loaded for it. */
  toggle(key: string, isOpen: boolean): void;
};

const YOU = 'laurel-you';

/** The browser's own memory of who reads; some browsers keep none. */
const remembered = {
  get(): string | undefined {
    try {
      return localStorage.getItem(YOU) ?? undefined;
    } catch {
      return undefined;
    }
  },
  set(username: string | undefined): void {
    try {
      if (username === undefined) localStorage.removeItem(YOU);
      else localStorage.setItem(YOU, username);
    } catch {
      // A browser that keeps nothing works without it.
    }
  },
};

/** A board's address with the remembered reader in it: what one chose is in the address. */
export const withReader = (address: Address): Address =>
  address.page === 'board' && address.you === undefined ? { ...address, you: remembered.get() } : address;

export const currentAddress = (): Address => addressOf(location.pathname, location.search);

function clickedLink(event: MouseEvent): HTMLAnchorElement | undefined {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const { target } = event;
  if (!isPlain || event.defaultPrevented || !(target instanceof Element)) return undefined;
  const link = target.closest('a');
  const isOurs = link !== null && link.origin === location.origin && !('plain' in link.dataset);
  return isOurs && !link.getAttribute('href')?.startsWith('#') ? link : undefined;
}

/** Listens to the whole document, so that the parts of a page need no code for it. */
export function listen({ go, toggle }: Wishes): void {
  const onClick = (event: MouseEvent): void => {
    const me = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-me]')?.dataset.me : undefined;
    const link = clickedLink(event);
    if (me !== undefined) {
      remembered.set(me);
      go({ page: 'board', you: me }, { keepsScroll: false });
    } else if (link !== undefined) followLink(event, link);
  };
  const followLink = (event: MouseEvent, link: HTMLAnchorElement): void => {
    const address = addressOf(link.pathname, link.search);
    if (address.page === 'nothing') return;
    event.preventDefault();
    const isForgetting = 'forget' in link.dataset;
    if (isForgetting) remembered.set(undefined);
    go(withReader(address), { keepsScroll: isForgetting || 'keepScroll' in link.dataset });
  };
  const onSubmit = (event: SubmitEvent) => {
    const { target } = event;
    if (!(target instanceof HTMLFormElement) || target.method !== 'get') return;
    event.preventDefault();
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(target))
      if (typeof value === 'string' && value !== '') query.set(name, value);
    const address = addressOf(new URL(target.action).pathname, query.toString());
    if ('you' in target.dataset && address.page === 'board') remembered.set(address.you);
    go(withReader(address), { keepsScroll: true });
  };
  const onToggle = ({ target }: Event) => {
    if (target instanceof HTMLDetailsElement && target.dataset.key !== undefined) {
      toggle(target.dataset.key, target.open);
    }
  };
  const onPopState = () => go(currentAddress(), { keepsScroll: true, replaces: true });
  document.addEventListener('click', onClick);
  document.addEventListener('submit', onSubmit);
  document.addEventListener('toggle', onToggle, true);
  addEventListener('popstate', onPopState);
}

export function writeAddress(address: Address, replaces: boolean): void {
  const href = hrefOf(address);
  if (href === location.pathname + location.search) return;
  if (replaces) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
}
