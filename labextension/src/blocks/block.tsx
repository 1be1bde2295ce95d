/** One foldable block of the sidebar: a heading that is a button, and what it heads. */

import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

export function Block(props: {
  title: string;
  /** A few words beside the title, seen when folded too. */
  aside?: string;
  children: React.ReactNode;
}): React.JSX.Element {
  const [open, setOpen] = React.useState(true);
  const body = React.useId();
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <section className="dp-Block" aria-label={props.title}>
      <h3 className="dp-Block-heading">
        <button
          type="button"
          className="dp-Block-toggle"
          aria-expanded={open}
          aria-controls={body}
          onClick={() => {
            setOpen(!open);
          }}
        >
          <Caret.react className="dp-Block-caret" tag="span" aria-hidden="true" />
          <span className="dp-Block-title">{props.title}</span>
          {props.aside !== undefined && <span className="dp-Block-aside">{props.aside}</span>}
        </button>
      </h3>
      <div id={body} className="dp-Block-body" hidden={!open}>
        {props.children}
      </div>
    </section>
  );
}

/** What stands where there is nothing yet: what it will show, and the next step. */
export function Empty(props: { children: React.ReactNode }): React.JSX.Element {
  return <p className="dp-Empty">{props.children}</p>;
}
