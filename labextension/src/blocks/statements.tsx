/** What was run lately? Newest first; a line opens into the SQL as asked and as run. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import lockSvg from '../../style/icons/lock.svg';
import type { IStatement } from '../tokens';
import { clock, count, outcomeOf, subjectOf, took } from '../words';
import { Block, Empty } from './block';

const lockIcon = new LabIcon({ name: 'devinprod:lock', svgstr: lockSvg });

export function StatementsBlock(props: {
  statements: readonly IStatement[];
  total: number;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { statements, total, trans } = props;
  return (
    <Block
      title={trans.__('Statements')}
      aside={
        total > statements.length
          ? trans.__('last %1 of %2', count(statements.length), count(total))
          : undefined
      }
    >
      {statements.length === 0 ? (
        <Empty>
          {trans.__('None yet. Run a cell that begins with')} <code>%%devsql</code>
        </Empty>
      ) : (
        <ol className="dp-Statements">
          {statements.map(statement => (
            <Line key={statement.id} statement={statement} trans={trans} />
          ))}
        </ol>
      )}
    </Block>
  );
}

function Line(props: { statement: IStatement; trans: TranslationBundle }): React.JSX.Element {
  const { statement, trans } = props;
  const [open, setOpen] = React.useState(false);
  const detail = React.useId();
  const failed = statement.sqlstate !== null;
  const about = statement.table === null ? 'dp-Statement-rest' : undefined;
  return (
    <li className="dp-Statement" data-failed={failed}>
      <button
        type="button"
        className="dp-Statement-line"
        aria-expanded={open}
        aria-controls={detail}
        onClick={() => {
          setOpen(!open);
        }}
      >
        <span className="dp-Statement-title">
          <span className="dp-Statement-what">
            {statement.verb} <span className={about}>{subjectOf(statement)}</span>
          </span>
          {statement.masked.length > 0 && (
            <lockIcon.react
              className="dp-Statement-lock"
              tag="span"
              title={trans._n(
                '%1 masked column',
                '%1 masked columns',
                statement.masked.length,
                statement.masked.length
              )}
            />
          )}
          {failed && <span className="dp-Statement-sqlstate">{statement.sqlstate}</span>}
        </span>
        <span className="dp-Statement-numbers">
          <span>{clock(statement.at)}</span>
          <span>{outcomeOf(statement, trans)}</span>
          <span className="dp-Statement-ms">{statement.ms === null ? '' : took(statement.ms)}</span>
        </span>
      </button>
      {open && (
        <div id={detail} className="dp-Statement-detail">
          <Detail statement={statement} trans={trans} />
        </div>
      )}
    </li>
  );
}

function Detail(props: { statement: IStatement; trans: TranslationBundle }): React.JSX.Element {
  const { statement, trans } = props;
  const from = [statement.application, statement.client].filter(Boolean).join(', ');
  return (
    <>
      <Sql label={trans.__('As asked')} sql={statement.asked} />
      {statement.run === null ? (
        <p className="dp-Note">{trans.__('Nothing was sent to the database.')}</p>
      ) : statement.run === statement.asked ? (
        <p className="dp-Note">{trans.__('Run as asked.')}</p>
      ) : (
        <Sql label={trans.__('As run')} sql={statement.run} />
      )}
      {statement.masked.length > 0 && (
        <>
          <h4 className="dp-Statement-label">{trans.__('Masked')}</h4>
          <ul className="dp-Statement-masked">
            {statement.masked.map(column => (
              <li key={column}>{column}</li>
            ))}
          </ul>
        </>
      )}
      {from !== '' && <p className="dp-Note">{trans.__('From %1', from)}</p>}
    </>
  );
}

function Sql(props: { label: string; sql: string }): React.JSX.Element {
  return (
    <>
      <h4 className="dp-Statement-label">{props.label}</h4>
      <pre className="dp-Statement-sql" tabIndex={0} aria-label={props.label}>
        {props.sql}
      </pre>
    </>
  );
}
