// What is known of the failure of a cell: from its span's details, as soon as they are here.

import { useEffect, useState } from "preact/hooks";
import { type Failure, failureOf, raisedAt } from "../engine/failure";
import { ERROR } from "../engine/trace";
import { plain } from "../engine/words";
import type { Session } from "../session/session";
import { source } from "./source";

export interface Failed extends Failure {
  text: string;
}

const NONE: Failed = { own: [], raised: undefined, file: undefined, text: "" };

/** Where a cell failed, and with what: by the stack trace of its exception, else by the statement that failed. `row`: its span. */
export function useFailure(session: Session, cell: number, row: number): Failed {
  const { trace, profile } = session;
  const failed = row >= 0 && trace.status(row) === ERROR;
  const [told, tell] = useState<(Failed & { row: number }) | undefined>();
  const number = failed ? trace.row[row]! : -1;
  useEffect(() => {
    if (!failed) return;
    let wanted = true;
    void session.detailsOf(raisedAt(trace, row)).then((details) => {
      if (!wanted || !details) return;
      const attributes = details.events?.findLast(([name]) => name === "exception")?.[2] ?? {};
      const found = failureOf(String(attributes["exception.stacktrace"] ?? ""), trace.cells.get(cell)?.[1], source(session, cell));
      const where = found.file && found.file.name !== "<timed exec>" ? ` (${plain(found.file.name, 60)} line ${found.file.line})` : "";
      const text = [plain(attributes["exception.type"] ?? "", 80), plain(attributes["exception.message"] ?? "", 120)].filter(Boolean).join(": ");
      tell({ ...found, row: number, text: (text || plain(details.message ?? "failed", 120)) + where });
    });
    return () => void (wanted = false);
  }, [number, session.details.size]);
  if (!failed) return NONE;
  if (told?.row === number && told.own.length) return told;
  const line = profile.statements.get(cell)?.findLast((each) => each?.status === ERROR)?.first;
  return { ...NONE, own: line ? [line] : [], text: told?.row === number ? told.text : "failed here" };
}
