#include "postgres/database.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "postgres/pipeline.hpp"
#include "postgres/transactions.hpp"

namespace cleave::postgres {
namespace {

bool contains_word(std::string_view text, std::string_view word) {
  const auto equal = [](char a, char b) { return std::tolower(a) == std::tolower(b); };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), equal) != text.end();
}

/// A SELECT that locks nothing. Anything else may write, and goes where writes go.
bool is_read(std::string_view sql) {
  while (!sql.empty() && std::isspace(static_cast<unsigned char>(sql.front())) != 0) {
    sql.remove_prefix(1);
  }
  return contains_word(sql.substr(0, 7), "select ") && !contains_word(sql, " for update") &&
         !contains_word(sql, " for share") && !contains_word(sql, " for no key update") &&
         !contains_word(sql, " for key share");
}

}  // namespace

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

  /// is_read() scans the whole text. A module's statements are few and its literals stay where they
  /// are, so the verdict is kept by address, and believed when the text is still the same.
  bool is_read_here(std::string_view sql) {
    const auto address = reinterpret_cast<std::uintptr_t>(sql.data());
    Verdict& known = verdicts[(address ^ (address >> 9)) % verdicts.size()];
    if (known.sql != sql) known = {std::string(sql), is_read(sql)};
    return known.is_read;
  }

  struct Verdict {
    std::string sql;
    bool is_read = false;
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
  Pipeline& pipeline = mine.is_read_here(statement.sql) ? mine.next_read() : *mine.write;
  return pipeline.query(statement, deadline);
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
    for (const auto& [stats, kind] : {std::pair{&pool->read_stats, "read"},
                                      std::pair{&pool->write_stats, "write"}}) {
      const auto count = [&](const char* name, const char* help, const observe::Counter& counter) {
        scrape.counter(name, help, {{"module", module}, {"kind", kind}},
                       static_cast<double>(counter.value()));
      };
      count("cleave_postgres_statements_total", "Statements asked for.", stats->statements);
      count("cleave_postgres_segments_total", "Packets that carried them.", stats->segments);
      count("cleave_postgres_shared_reads_total", "Reads that shared another's.", stats->shared);
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
