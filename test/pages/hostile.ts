/** Texts that strangers send: what none of them may do is run, hide, or break what is around it. */
export const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style><svg onload=alert(1)>',
  '&lt;b&gt; &amp;',
  'gnihtemos\u202e txt.exe',
  'zero\u200bwidth\u2060joined',
  ']]></svg><script>alert(1)</script>',
  'line\nbreak\ttab\u0000nul',
  'x'.repeat(10_000),
] as const;
