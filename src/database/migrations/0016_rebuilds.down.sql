drop table rebuilds;
