/** What is different in this session from production? A line a table. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ISession, ITableChange } from '../tokens';
import { changesOf, count, tableName } from '../words';
import { Block, Empty } from './block';

export function ChangesBlock(props: {
  session: ISession;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { session, trans } = props;
  const tables = session.changes;
  return (
    <Block
      title={trans.__('Changes')}
      aside={session.change_count > 0 ? changesOf(session, trans) : undefined}
    >
      {tables.length === 0 ? (
        <Empty>
          {trans.__(
            'Nothing yet. What you insert, update or delete shows here; it can never be committed.'
          )}
        </Empty>
      ) : (
        <table className="dp-Changes">
          <thead className="dp-visually-hidden">
            <tr>
              <th scope="col">{trans.__('table')}</th>
              <th scope="col">{trans.__('inserted')}</th>
              <th scope="col">{trans.__('updated')}</th>
              <th scope="col">{trans.__('deleted')}</th>
            </tr>
          </thead>
          {tables.map(change => (
            <Lines key={`${change.schema}.${change.table}`} change={change} trans={trans} />
          ))}
        </table>
      )}
    </Block>
  );
}

/** A name longer than this has a line of its own, above its numbers. */
const LONG = 16;

function Lines(props: { change: ITableChange; trans: TranslationBundle }): React.JSX.Element {
  const { change, trans } = props;
  const name = tableName(change);
  const words = (
    <>
      {name}
      {change.truncated && <span className="dp-Tag dp-mod-line">{trans.__('truncated')}</span>}
    </>
  );
  const amounts = (
    <>
      <Amount sign="+" value={change.inserted} word={trans.__('inserted')} />
      <Amount sign="~" value={change.updated} word={trans.__('updated')} />
      <Amount sign="−" value={change.deleted} word={trans.__('deleted')} />
    </>
  );
  if (name.length > LONG) {
    return (
      <tbody>
        <tr>
          <th scope="rowgroup" colSpan={4} className="dp-Changes-table">
            {words}
          </th>
        </tr>
        <tr>
          <td />
          {amounts}
        </tr>
      </tbody>
    );
  }
  return (
    <tbody>
      <tr>
        <th scope="row" className="dp-Changes-table">
          {words}
        </th>
        {amounts}
      </tr>
    </tbody>
  );
}

function Amount(props: { sign: string; value: number; word: string }): React.JSX.Element {
  const none = props.value === 0;
  return (
    <td
      className={none ? 'dp-Amount dp-mod-none' : 'dp-Amount'}
      title={`${count(props.value)} ${props.word}`}
    >
      {props.sign}
      {count(props.value)}
    </td>
  );
}
