import { Card } from './pieces.tsx';

/** What somebody pastes elsewhere to show their score there. */
export function Embed({ username, origin }: { readonly username: string; readonly origin: string }) {
  const badge = `${origin}/badges/${username}.svg`;
  const page = `${origin}/people/${username}`;
  const snippets = [
    { id: 'markdown', title: 'Markdown', text: `[![${username}](${badge})](${page})` },
    { id: 'html', title: 'HTML', text: `<a href="${page}"><img src="${badge}" alt="${username}"></a>` },
    { id: 'svg', title: 'Card (SVG)', text: `${origin}/cards/${username}.svg` },
    {
      id: 'shields',
      title: 'shields.io endpoint',
      text: `https://img.shields.io/endpoint?url=${encodeURIComponent(`${origin}/badges/${username}.json`)}`,
    },
  ];
  return (
    <Card title="Show it elsewhere" id="embed">
      <p>
        <img src={`/badges/${username}.svg`} alt={`Badge of ${username}: score`} height="20" />{' '}
        <img src={`/badges/${username}.svg?show=tier`} alt={`Badge of ${username}: tier`} height="20" />{' '}
        <img src={`/badges/${username}.svg?show=rank`} alt={`Badge of ${username}: rank`} height="20" />
      </p>
      <div class="snippets">
        {snippets.map(({ id, title, text }) => (
          <div key={id}>
            <label for={`embed-${id}`}>{title}</label>
            <input id={`embed-${id}`} readOnly value={text} />
          </div>
        ))}
      </div>
    </Card>
  );
}
