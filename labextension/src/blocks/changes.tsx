/** What is different in this session from production? A line a table. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ISession, ITableChange } from '../tokens';
import { count, tableName } from '../words';
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
      aside={
        tables.length > 0
          ? trans._n('%1 table', '%1 tables', tables.length, count(tables.length))
          : undefined
      }
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
          <tbody>
            {tables.map(change => (
              <Line key={`${change.schema}.${change.table}`} change={change} trans={trans} />
            ))}
          </tbody>
        </table>
      )}
    </Block>
  );
}

function Line(props: { change: ITableChange; trans: TranslationBundle }): React.JSX.Element {
  const { change, trans } = props;
  const name = tableName(change);
  return (
    <tr>
      <th scope="row" className="dp-Changes-table" title={name}>
        {name}
        {change.truncated && <span className="dp-Tag">{trans.__('truncated')}</span>}
      </th>
      <Amount sign="+" value={change.inserted} word={trans.__('inserted')} />
      <Amount sign="~" value={change.updated} word={trans.__('updated')} />
      <Amount sign="−" value={change.deleted} word={trans.__('deleted')} />
    </tr>
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
