-- The comments that psql and docs/reference/sql.md show, in plain words, also where a column had none.

COMMENT ON COLUMN backfill_log.retry_count IS 'failed attempts; a wait for quota, a provider or a pause is not counted';
COMMENT ON COLUMN backfill_log.error_message IS 'why the latest attempt failed, or which provider a completed month went without';
COMMENT ON COLUMN backfill_log.next_attempt_at IS 'when a month in retry may be claimed again';
COMMENT ON COLUMN backfill_log.blocked_reason IS 'why the month waits, if it waits without a failure';
COMMENT ON COLUMN backfill_log.error_code IS 'the reason in error_message or blocked_reason as a stable word';

COMMENT ON TABLE lane IS 'Rate limit, pause and daily quota of each provider. The session that holds the advisory lock (oid of lane, id) may send.';
COMMENT ON COLUMN lane.name IS 'the provider';
COMMENT ON COLUMN lane.id IS 'second key of the advisory lock';
COMMENT ON COLUMN lane.rate IS 'requests per second';
COMMENT ON COLUMN lane.sends IS 'the most requests in any window of win seconds';
COMMENT ON COLUMN lane.win IS 'length of that window in seconds';
COMMENT ON COLUMN lane.gap IS 'least seconds between two requests';
COMMENT ON COLUMN lane.daily_limit IS 'units per day; null if unknown';
COMMENT ON COLUMN lane.daily_cap IS 'units per day that months may spend: the limit without the reserve';
COMMENT ON COLUMN lane.ring IS 'times of the latest requests in seconds since 1970, oldest first';
COMMENT ON COLUMN lane.held_until IS 'when the lease of the lock''s holder ends, in seconds since 1970; 0: not leased';
COMMENT ON COLUMN lane.held_units IS 'units that the holder has reserved and may still spend';
COMMENT ON COLUMN lane.paused_until IS 'until when no request is sent; null: not paused';
COMMENT ON COLUMN lane.pause_reason IS 'the reason of the present or latest pause';
COMMENT ON COLUMN lane.paused_since IS 'when the present pause began; extending it does not change this';
COMMENT ON COLUMN lane.plan_limit IS 'units per day that the provider reports for the plan; null: not reported. The smaller limit applies';
COMMENT ON COLUMN lane.plan_seen_at IS 'when the provider last reported it';
COMMENT ON COLUMN lane.plan_note IS 'what is unusual in the report, or why there is none';
COMMENT ON COLUMN lane.by_plan IS 'names of the limits that no setting gives: those that the provider reports replace them';
COMMENT ON COLUMN lane.plan_rate IS 'requests per second on the plan''s host; null if unknown';
COMMENT ON COLUMN lane.plan_host IS 'the host for requests of the plan';

COMMENT ON TABLE quota IS 'Units of a provider''s daily quota that were spent or reserved, one row per provider and day.';
COMMENT ON COLUMN quota.name IS 'the provider';
COMMENT ON COLUMN quota.day IS 'in the provider''s time zone';
COMMENT ON COLUMN quota.cap IS 'the most that may be spent; null: unlimited';
COMMENT ON COLUMN quota.used IS 'units spent, or reserved for requests under way';

COMMENT ON TABLE attempt IS 'Every attempt at a month, with its outcome and the reason.';
COMMENT ON COLUMN attempt.job_id IS 'the job in the queue; a schedule call returns it';
COMMENT ON COLUMN attempt.created_at IS 'when the month was claimed for this attempt';
COMMENT ON COLUMN attempt.began_at IS 'when a worker began it; null: it is still in the queue';
COMMENT ON COLUMN attempt.ended_at IS 'null: it has not ended';
COMMENT ON COLUMN attempt.worker IS 'machine and process number';
COMMENT ON COLUMN attempt.outcome IS 'superseded: a newer attempt or a reset replaced it; lost: its worker died';
COMMENT ON COLUMN attempt.reason IS 'why it ended so, in words';

COMMENT ON TABLE answer IS 'Responses of providers, stored before they are used. The key is a digest of the request. Rows may be deleted per provider.';
COMMENT ON COLUMN answer.request IS 'what was asked, without credentials';
COMMENT ON COLUMN answer.expires_at IS 'until when the response is reused; null: without limit';

COMMENT ON TABLE call IS 'Every request that was sent to a provider.';
COMMENT ON COLUMN call.route IS 'the kind of request';
COMMENT ON COLUMN call.ms IS 'milliseconds until the response was complete';
COMMENT ON COLUMN call.units IS 'units of the daily quota that it cost';
COMMENT ON COLUMN call.status IS 'the HTTP status; null: no response, and error gives the reason';
COMMENT ON COLUMN call.error IS 'the reason, or empty';
COMMENT ON COLUMN call.year IS 'with month: the month for which it was sent';
COMMENT ON COLUMN call.attempt_token IS 'the attempt for which it was sent; null: a recheck, an enrichment or a request of a person';

COMMENT ON TABLE audit IS 'Actions of people. Rows are only added.';
COMMENT ON COLUMN audit.who IS 'who acted, as far as known';
COMMENT ON COLUMN audit.act IS 'the action';
COMMENT ON COLUMN audit.detail IS 'its parameters';

COMMENT ON TABLE work IS 'A book independently of its editions.';
COMMENT ON COLUMN work.key IS 'equal for all spellings of one work; made by alexandria.catalogue.matching';
COMMENT ON COLUMN work.author IS 'the first contributor, as displayed';
COMMENT ON COLUMN work.first_published IS 'as precise as known: YYYY, YYYY-MM or YYYY-MM-DD';
COMMENT ON COLUMN work.language IS 'ISO 639-1 code, or empty';

COMMENT ON TABLE edition IS 'One publication of a work, with its own ISBN.';
COMMENT ON COLUMN edition.published IS 'as precise as the source gives it: YYYY, YYYY-MM or YYYY-MM-DD';
COMMENT ON COLUMN edition.enriched_at IS 'when sources last returned data about it';
COMMENT ON COLUMN edition.related IS 'found beside the edition that a book was resolved to';
COMMENT ON COLUMN edition.enrich_at IS 'when sources are queried about it; null: not again';
COMMENT ON COLUMN edition.enrich_looks IS 'how often none of the queried sources knew it';
COMMENT ON COLUMN edition.enrich_note IS 'why enrichment waits, or which data were not available';
COMMENT ON COLUMN edition.changed_at IS 'when any column last changed';

COMMENT ON TABLE contributor IS 'A person or body that contributed to works.';
COMMENT ON COLUMN contributor.key IS 'equal for all spellings of one name; made by alexandria.catalogue.matching';

COMMENT ON TABLE work_contributor IS 'The contributors of works and their roles, in the order of the title page.';
COMMENT ON COLUMN work_contributor.position IS 'place in that order';

COMMENT ON TABLE source_record IS 'Records of sources that data in the catalogue come from.';
COMMENT ON COLUMN source_record.provider_id IS 'the identifier that the source gives the record';

COMMENT ON TABLE provenance IS 'The source record of each stored field of an edition.';
COMMENT ON COLUMN provenance.field IS 'name of the column in edition';

COMMENT ON TABLE candidate IS 'The books that models named for a month, and the result for each. Column evidence holds every record considered.';
COMMENT ON COLUMN candidate.position IS 'place among the books of the month';
COMMENT ON COLUMN candidate.isbn13 IS 'the accepted ISBN; null: unresolved, and reason gives the cause';
COMMENT ON COLUMN candidate.source IS 'the source of the accepted record; catalogue: the book was already in the catalogue';
COMMENT ON COLUMN candidate.score IS 'how well the accepted record matches, 0 to 100';
COMMENT ON COLUMN candidate.reason IS 'why the record was accepted, or why none was';
COMMENT ON COLUMN candidate.evidence IS 'the records considered, each with its score and findings';
COMMENT ON COLUMN candidate.unavailable IS 'sources that could not be queried, each with the reason';
COMMENT ON COLUMN candidate.named_year IS 'the year of publication that a model gave';
COMMENT ON COLUMN candidate.in_month IS 'whether a source confirms that it was first published in this month';
COMMENT ON COLUMN candidate.looks IS 'how often the sources were queried';
COMMENT ON COLUMN candidate.look_again_at IS 'when they are queried again; null: never';
COMMENT ON COLUMN candidate.hindered IS 'unresolved while a quota or an outage kept a source from answering: not checked, rather than not found';

COMMENT ON TABLE subject IS 'Subjects of works as the sources name them, each once regardless of capitals.';
COMMENT ON TABLE related_isbn IS 'ISBNs that sources list beside an edition.';
COMMENT ON COLUMN related_isbn.other IS 'the listed ISBN';

COMMENT ON TABLE enrichment_rest IS 'Sources that enrichment does not query for a while because they failed.';
COMMENT ON COLUMN enrichment_rest.until IS 'when it queries the source again';
COMMENT ON COLUMN enrichment_rest.permanent IS 'waiting does not help, so enrichment continues without the source';
COMMENT ON COLUMN enrichment_rest.failures IS 'failures in a row';

COMMENT ON TABLE work_alias IS 'Keys of titles and authors as models named them, and the work that each proved to be.';

COMMENT ON TABLE control IS 'The pause of the whole backfill, in the only row. No attempt begins during a pause.';
COMMENT ON COLUMN control.paused_since IS 'when the pause began; null: not paused';
COMMENT ON COLUMN control.paused_until IS 'when it ends automatically; null: when a person resumes';

COMMENT ON TABLE incident IS 'Problems that operators should know of, one row each however many processes notice it.';
COMMENT ON COLUMN incident.subject IS 'the provider, or empty';
COMMENT ON COLUMN incident.reason IS 'the reason when it began';
COMMENT ON COLUMN incident.cleared_at IS 'null: it continues';
COMMENT ON COLUMN incident.reminded_at IS 'when it was last reported again because it continued';

COMMENT ON TABLE notice IS 'Notices of incidents to the operator''s webhook, and whether they were delivered.';
COMMENT ON COLUMN notice.tries IS 'deliveries tried';
COMMENT ON COLUMN notice.next_try_at IS 'null: delivered or given up';
COMMENT ON COLUMN notice.result IS 'result of the latest try';

COMMENT ON TABLE rollout IS 'Rollouts in phases. At most one is running.';
COMMENT ON COLUMN rollout.plan IS 'the plan file as JSON';
COMMENT ON COLUMN rollout.phase IS 'the present phase; the first is 0';
COMMENT ON COLUMN rollout.begins IS 'the first day (UTC) on which this phase schedules months';
COMMENT ON COLUMN rollout.held IS 'who put it on hold and why; empty: not on hold';
COMMENT ON COLUMN rollout.ended_at IS 'null: it is running';

COMMENT ON TABLE rollout_month IS 'Months that a rollout has scheduled.';
COMMENT ON COLUMN rollout_month.day IS 'the day (UTC) on which it was last scheduled';

COMMENT ON TABLE rollout_verdict IS 'Results of the gates of rollouts, one row per change. Rows are only added.';
COMMENT ON COLUMN rollout_verdict.verdict IS 'open: passed; wait: pending; shut: failed';
COMMENT ON COLUMN rollout_verdict.reasons IS 'one sentence for each condition that decided';
COMMENT ON COLUMN rollout_verdict.inputs IS 'the thresholds of the gate and the counts that they were compared with';

COMMENT ON TABLE rollout_log IS 'Actions of people on rollouts, and of rollouts themselves (who is then rollout). Rows are only added.';
COMMENT ON COLUMN rollout_log.why IS 'the reason given';

COMMENT ON TABLE rollout_day IS 'The months that rollouts have begun, one row each time. The pace of a day counts those of all rollouts.';
COMMENT ON COLUMN rollout_day.day IS 'the day (UTC)';
COMMENT ON COLUMN rollout_day.failed IS 'whether the month failed then; a retry on another day does not change this';

COMMENT ON TABLE journal IS 'The newest log events of all processes. An id is assigned when the event becomes visible.';
COMMENT ON COLUMN journal.at IS 'when it happened, by the clock of the process';
COMMENT ON COLUMN journal.event IS 'what happened, in constant words';
COMMENT ON COLUMN journal.process IS 'machine and process number';
COMMENT ON COLUMN journal.year IS 'with month: the month of books that the event is about';
COMMENT ON COLUMN journal.fields IS 'the details';

COMMENT ON TABLE work_block IS 'Keys that spellings of a work share; made by alexandria.catalogue.matching.blocking.';

COMMENT ON TABLE knock IS 'Clients that recently sent a wrong secret. A crash of the server may empty the table.';
COMMENT ON COLUMN knock.client IS 'the address; of IPv6 its network';
COMMENT ON COLUMN knock.forgotten_at IS 'when its failures no longer count; each wrong secret moves this later';

COMMENT ON TABLE periodic_run IS 'When each periodic task last completed, on any worker.';
COMMENT ON COLUMN periodic_run.finished_at IS 'correct within a few seconds; the start of a worker sets it as well';

COMMENT ON TABLE breaker IS 'Circuit breakers: providers that recently failed to respond. No row: no failure.';
COMMENT ON COLUMN breaker.failures IS 'requests in a row without a response, while trips is 0';
COMMENT ON COLUMN breaker.trips IS 'pauses in a row; 0: the circuit is closed and requests are sent';
COMMENT ON COLUMN breaker.trips_before IS 'pauses of the previous outage: another one soon after it begins with a longer pause';
COMMENT ON COLUMN breaker.probe IS 'the request that probes the provider; only it may close the circuit';
COMMENT ON COLUMN breaker.probe_until IS 'when another request may probe it, as this one is then taken to be lost';
COMMENT ON COLUMN breaker.probed_at IS 'when a waiting month was last woken to probe it';
COMMENT ON COLUMN breaker.recovered_at IS 'it responds again, and the waiting months must still be woken';
