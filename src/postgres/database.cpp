#include "postgres/database.hpp"

#include <algorithm>
#include <array>

#include "observe/log.hpp"
#include "postgres/pipeline.hpp"
#include "postgres/statement_kind.hpp"
#include "postgres/transactions.hpp"

namespace cleave::postgres {

/// What one loop has of this database. Made on first use, on the loop.
class Database::Pool {
 public:
  explicit Pool(const Options& options) : transactions(options) {
    for (unsigned i = 0; i < options.pipelines; ++i) {
      reads.push_back(std::make_unique<Pipeline>(options, Pipeline::Role::kRead, read_stats));
    }
    write = std::make_unique<Pipeline>(options, Pipeline::Role::kWrite, write_stats);
  }
  Pipeline& next_read() { return *reads[turn++ % reads.size()]; }

  /// kind_of() scans the whole text. A module's statements are few and its
  /// literals stay where they are, so the verdict is kept by address, and
  /// believed when the text is still the same.
  StatementKind kind_here(std::string_view sql) {
    const auto address = reinterpret_cast<std::uintptr_t>(sql.data());
    Verdict& known = verdicts[(address ^ (address >> 9)) % verdicts.size()];
    if (known.sql != sql) known = {std::string(sql), kind_of(sql)};
    return known.kind;
  }

  struct Verdict {
    std::string sql;
    StatementKind kind = StatementKind::kRefused;
  };
  std::array<Verdict, 64> verdicts;
  PipelineStats read_stats, write_stats;
  std::vector<std::unique_ptr<Pipeline>> reads;
  std::unique_ptr<Pipeline> write;
  Transactions transactions;
  std::size_t turn = 0;
};

Database::Database(Options options) : options_(std::move(options)), pools_(options_.loops) {}

Database::~Database() = default;

Database::Pool& Database::pool() {
  auto& mine = pools_[io::Loop::current()->index()];  // this loop's: only it writes here
  if (mine == nullptr) {
    const std::lock_guard lock(pools_mutex_);  // for collect(), on another thread
    mine = std::make_unique<Pool>(options_);
  }
  return *mine;
}

Result Database::query(const Statement& statement, io::TimePoint deadline) {
  Pool& mine = pool();
  switch (mine.kind_here(statement.sql)) {
    case StatementKind::kRead:
      return mine.next_read().query(statement, deadline, true);
    case StatementKind::kOwnRead:
      return mine.next_read().query(statement, deadline, false);
    case StatementKind::kWrite:
      return mine.write->query(statement, deadline, false);
    case StatementKind::kRefused:
      log::error(options_.module,
                 "a statement that changes the session or the transaction "
                 "(BEGIN, COMMIT, SET, LOCK, "
                 "COPY, DO, CALL …) was refused: begin() a transaction for it",
                 {{"sql", std::string(statement.sql.substr(0, 80))}});
      break;
  }
  return {nullptr, error_of(kNotShareable)};
}

std::unique_ptr<Transaction> Database::begin(io::TimePoint deadline, Error& error) {
  return pool().transactions.begin(deadline, error);
}

void Database::close() {
  Pool& mine = pool();
  for (const auto& pipeline : mine.reads) pipeline->close();
  mine.write->close();
  mine.transactions.close();
}

bool Database::reachable() const noexcept {
  const std::lock_guard lock(pools_mutex_);
  return reachable_locked();
}

bool Database::reachable_locked() const noexcept {
  const auto now = std::chrono::duration_cast<io::Millis>(io::Clock::now().time_since_epoch());
  for (const auto& pool : pools_) {
    if (pool == nullptr) continue;
    for (const PipelineStats* stats : {&pool->read_stats, &pool->write_stats}) {
      const std::int64_t since = stats->down_since_ms;
      if (since != 0 && now.count() - since > 5000) return false;
    }
  }
  return true;
}

void Database::collect(observe::Scrape& scrape) const {
  const std::lock_guard lock(pools_mutex_);
  const std::string_view module = options_.module;
  for (const auto& pool : pools_) {
    if (pool == nullptr) continue;
    for (const auto& [stats, kind] :
         {std::pair{&pool->read_stats, "read"}, std::pair{&pool->write_stats, "write"}}) {
      const auto count = [&](const char* name, const char* help, const observe::Counter& counter) {
        scrape.counter(name, help, {{"module", module}, {"kind", kind}},
                       static_cast<double>(counter.value()));
      };
      count("cleave_postgres_statements_total", "Statements asked for.", stats->statements);
      count("cleave_postgres_segments_total", "Packets that carried them.", stats->segments);
      count("cleave_postgres_shared_reads_total", "Reads that shared another's.", stats->shared);
      count("cleave_postgres_batched_total", "Statements that went along in another's batch.",
            stats->batched);
      count("cleave_postgres_repeats_total", "Statements repeated alone.", stats->repeats);
      count("cleave_postgres_connects_total", "Connections made.", stats->connects);
      for (std::size_t i = 0; i < kFailures; ++i) {
        scrape.counter("cleave_postgres_errors_total", "Statements that failed, by class.",
                       {{"module", module}, {"class", name_of(static_cast<Failure>(i))}},
                       static_cast<double>(stats->failures[i].value()));
      }
      scrape.gauge("cleave_postgres_waiting", "Statements being waited for.", {{"module", module}},
                   static_cast<double>(stats->waiting));
    }
  }
  scrape.gauge("cleave_postgres_up", "1 while the database can be reached.", {{"module", module}},
               reachable_locked() ? 1 : 0);
}

}  // namespace cleave::postgres
