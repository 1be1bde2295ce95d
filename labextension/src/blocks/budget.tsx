/** How much may this session still read? A meter with its numbers for each limit. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ILimits, IMeter } from '../tokens';
import { bytes, duration, limit } from '../words';
import { Block, Empty } from './block';

/** From this part of a limit on, the meter says so. */
const NEAR = 0.8;

export function BudgetBlock(props: {
  limits: ILimits;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { limits, trans } = props;
  const meters = [
    { label: trans.__('People'), meter: limits.people, show: limit },
    { label: trans.__('Lookups'), meter: limits.lookups, show: limit },
    { label: trans.__('Statements'), meter: limits.statements, show: limit },
    { label: trans.__('Rows'), meter: limits.rows, show: limit },
    { label: trans.__('Data'), meter: limits.bytes, show: bytes }
  ];
  const idle = limits.idle?.seconds_left;
  return (
    <Block title={trans.__('Budget')}>
      {meters.every(({ meter }) => meter === undefined) && (
        <Empty>{trans.__('This proxy sets no limits.')}</Empty>
      )}
      <ul className="dp-Meters">
        {meters.map(
          ({ label, meter, show }) =>
            meter !== undefined && (
              <Meter key={label} label={label} meter={meter} show={show} trans={trans} />
            )
        )}
      </ul>
      {idle !== undefined && (
        <p className="dp-Note">
          {trans.__('Ends by itself after %1 without use.', duration(idle))}
        </p>
      )}
    </Block>
  );
}

function Meter(props: {
  label: string;
  meter: IMeter;
  show: (value: number) => string;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { label, meter, show, trans } = props;
  const part = meter.limit > 0 ? Math.min(1, meter.used / meter.limit) : 1;
  const level = part >= 1 ? 'full' : part >= NEAR ? 'near' : 'fine';
  const numbers = trans.__('%1 of %2', show(meter.used), show(meter.limit));
  const per = perWords(meter.per, trans);
  return (
    <li className="dp-Meter" data-level={level}>
      <span className="dp-Meter-label">
        {label} <span className="dp-Meter-per">{per}</span>
      </span>
      <span className="dp-Meter-numbers">{numbers}</span>
      <span
        className="dp-Meter-bar"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={meter.limit}
        aria-valuenow={Math.min(meter.used, meter.limit)}
        aria-valuetext={`${numbers} ${per}`}
      >
        <span className="dp-Meter-fill" style={{ width: `${part * 100}%` }} />
      </span>
      {level !== 'fine' && (
        <span className="dp-Meter-level">
          {level === 'full' ? trans.__('used up') : trans.__('nearly used up')}
        </span>
      )}
    </li>
  );
}

function perWords(per: string, trans: TranslationBundle): string {
  switch (per) {
    case 'day':
      return trans.__('today');
    case 'hour':
      return trans.__('this hour');
    case 'minute':
      return trans.__('this minute');
    default:
      return per;
  }
}
