import { bookingEvent } from '../warehouse/model.ts';
import { eventsPrefix } from './layout.ts';
import { formOf } from './parquet-schema.ts';

export interface AthenaColumn {
  readonly name: string;
  readonly type: string;
}

/** A table of the Glue data catalog, as far as it does not depend on who creates it. */
export interface AthenaTable {
  readonly name: string;
  readonly tableType: 'EXTERNAL_TABLE';
  readonly columns: readonly AthenaColumn[];
  readonly partitionKeys: readonly AthenaColumn[];
  readonly location: string;
  readonly inputFormat: string;
  readonly outputFormat: string;
  readonly serializationLibrary: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * booking_event as Athena sees it. Partitions are projected, so that none is ever added: the day from `firstDay` (`YYYY-MM-DD`) to tomorrow,
 * since the routers let an event lie a day ahead; the hour from 00 to 23. What lies outside is not found, without an error, so `firstDay`
 * must not be after the oldest event; a query that names no day lists 24 folders for each.
 * `objectsUrl`: `s3://bucket/prefix`, the loader's OBJECTS_URL. (Athena user guide: partition projection, set-up and supported types;
 * Parquet SerDe.)
 */
export function athenaTable(objectsUrl: string, firstDay: string): AthenaTable {
  const location = `${objectsUrl.replace(/\/+$/, '')}/${eventsPrefix}`;
  return {
    name: bookingEvent.name,
    tableType: 'EXTERNAL_TABLE',
    columns: bookingEvent.columns.map((column) => ({ name: column.name, type: formOf(column).athenaType })),
    partitionKeys: [
      { name: 'dt', type: 'string' },
      { name: 'hour', type: 'int' },
    ],
    location,
    inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
    outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
    serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
    parameters: {
      classification: 'parquet',
      'projection.enabled': 'true',
      'projection.dt.type': 'date',
      'projection.dt.format': 'yyyy-MM-dd',
      'projection.dt.range': `${firstDay},NOW+1DAYS`,
      'projection.dt.interval': '1',
      'projection.dt.interval.unit': 'DAYS',
      'projection.hour.type': 'integer',
      'projection.hour.range': '0,23',
      'projection.hour.digits': '2',
      'storage.location.template': `${location}dt=\${dt}/hour=\${hour}/`,
    },
  };
}
