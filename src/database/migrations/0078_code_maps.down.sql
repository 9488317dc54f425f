drop table code_map_targets;
drop table code_maps;
