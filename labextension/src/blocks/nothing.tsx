/** What stands in the sidebar while there is no session: what is missing, and the next step. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IProblem } from '../tokens';

/** There is a proxy, and no session on it. */
export function NoSession(props: { trans: TranslationBundle }): React.JSX.Element {
  const { trans } = props;
  return (
    <div className="dp-Nothing" role="status">
      <p>{trans.__('No session yet. Begin one in a notebook:')}</p>
      <pre className="dp-Nothing-code">
        {'%load_ext devinprod\n%devinprod connect checkout-bug'}
      </pre>
      <p>{trans.__('It shows here by itself. Nothing that it does can be committed.')}</p>
    </div>
  );
}

/** There is nobody to ask. */
export function Problem(props: { problem: IProblem; stale: string | null }): React.JSX.Element {
  const { problem, stale } = props;
  return (
    <div className="dp-Problem" role="status">
      <p>{problem.message}</p>
      {problem.hint !== null && <p>{problem.hint}</p>}
      {stale !== null && <p>{stale}</p>}
    </div>
  );
}
