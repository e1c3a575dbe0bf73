export const RETENTION = `-- breaking: no
create index history_expiring on history (expires_on) where expires_on is not null;
`;
