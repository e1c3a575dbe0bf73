// `expires_on` and its index have been there from the first.
export const RETENTION: string = `-- breaking: no
create index audit_by_time on millrace.audit (at);
`;
