/** Which of `count` shards a text belongs to: always the same one, and all of them about equally often. */
export function shardOf(text: string, count: number): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (hash * 31 + text.charCodeAt(index)) % 65_521;
  return hash % count;
}
