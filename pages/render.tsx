import { renderToString } from 'preact-render-to-string';
import { Document, type AssetPaths } from './document.tsx';
import type { PageState } from './state.ts';

/** A page as HTML. */
export const renderPage = (state: PageState, assets: AssetPaths): string =>
  `<!doctype html>${renderToString(<Document state={state} assets={assets} />)}`;
