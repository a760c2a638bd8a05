// cleave seed: made-up rows, the same every time, written with COPY.
#include <algorithm>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "cli/seed_plan.hpp"
#include "cli/system.hpp"
#include "postgres/copy.hpp"
#include "redis/cache.hpp"

namespace cleave::cli {
namespace {

namespace fs = std::filesystem;

struct Planned {
  std::string module;
  SeedPlan plan;
  std::uint64_t rows = 0;
};

/// Every sql/<module>/seed.txt, ordered by the folder's name.
std::vector<Planned> read_plans(const fs::path& sql_dir) {
  std::vector<Planned> plans;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(sql_dir, error)) {
    const fs::path file = entry.path() / "seed.txt";
    if (fs::exists(file)) {
      plans.push_back({entry.path().filename().string(), SeedPlan::read(file), 0});
    }
  }
  std::sort(plans.begin(), plans.end(),
            [](const Planned& a, const Planned& b) { return a.module < b.module; });
  return plans;
}

/// FNV-1a, 64 bits: tells two data sets apart, and is no more than that
/// (Fowler, Noll, Vo; draft-eastlake-fnv).
class Checksum {
 public:
  void add(std::string_view bytes) noexcept {
    for (const char c : bytes) {
      value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
  }
  std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

void check_references(const std::vector<Planned>& plans,
                      const std::map<std::string, std::uint64_t>& rows) {
  for (const Planned& planned : plans) {
    if (planned.rows == 0) continue;
    for (const std::string& table : planned.plan.references()) {
      if (rows.count(table) != 0 && rows.at(table) > 0) continue;
      throw Failure(kUsage, planned.plan.table() + " refers to " + table +
                                ", which is made in the same call: add --" + table + " N");
    }
  }
}

/// Tells the cache, and by it every host that uses the same, that the list of these rows has a
/// newer state than what it keeps.
void tell_cache(const host::Settings& settings, const Planned& planned, const std::string& state) {
  const std::string& url = settings.redis_url;
  if (planned.plan.list().key.empty() || url.empty() || url == "off") return;
  redis::Redis redis({.url = url, .near_cache = false, .operation_timeout = io::Millis(1000)});
  redis::Cache(redis, planned.module)
      .store(planned.plan.list().key,
             {.version = std::stoll(state), .kind = redis::Kind::kFloor, .body = nullptr},
             io::Clock::now() + io::Millis(2000));
  redis.close();
}

/// Makes the rows of one table; the checksum grows by them. [fiber]
void write(const host::Settings& settings, const SeedArguments& arguments, const Planned& planned,
           const std::map<std::string, std::uint64_t>& rows, Checksum& checksum) {
  const host::ModuleSettings& module = settings.module.at(planned.module);
  const postgres::CopyOptions wanted{
      .url = module.owner_database_url.empty() ? module.database_url : module.owner_database_url,
      .table = planned.plan.table(),
      .columns = planned.plan.columns(),
      .replace = arguments.replace,
      .before = planned.plan.list().raise};
  Progress progress(planned.plan.table(), planned.rows);
  std::uint64_t done = 0;
  const auto next = [&](std::string& out) {
    const std::size_t from = out.size();
    planned.plan.append(out, ++done, arguments.seed, rows);
    checksum.add(std::string_view(out).substr(from));
    progress.at(done);
    return done < planned.rows;
  };
  const postgres::Copied copied = copy_in(wanted, next, io::Clock::now() + std::chrono::hours(1));
  if (!copied.ok) throw Failure(kFailed, planned.plan.table() + ": " + copied.why);
  tell_cache(settings, planned, copied.told);
  progress.finish();
}

}  // namespace

std::vector<std::string> seedable_tables(const fs::path& sql_dir) {
  std::vector<std::string> tables;
  try {
    for (const Planned& planned : read_plans(sql_dir)) tables.push_back(planned.plan.table());
  } catch (const std::runtime_error&) {
    // `cleave seed` reads the plans again and says what is wrong; other commands need none.
  }
  return tables;
}

int seed(Options& options, const SeedArguments& arguments) {
  require_modules(options.loaded, options.settings);
  std::map<std::string, std::uint64_t> rows;
  for (const auto& [table, count] : arguments.rows) rows[table] = count;
  std::vector<Planned> plans;
  try {
    plans = read_plans(options.settings.sql_dir);
  } catch (const std::runtime_error& error) {
    throw Failure(kConfig, error.what());
  }
  for (Planned& planned : plans) planned.rows = rows[planned.plan.table()];
  check_references(plans, rows);
  if (std::all_of(plans.begin(), plans.end(), [](const auto& one) { return one.rows == 0; })) {
    throw Failure(kUsage, "nothing to seed; name a table: cleave seed --users 1000");
  }

  System system(options);
  system.start();
  Checksum checksum;
  for (const Planned& planned : plans) {
    if (planned.rows == 0) continue;
    system.threads().run_on(0,
                            [&] { write(options.settings, arguments, planned, rows, checksum); });
  }
  std::printf("checksum %016llx (seed %llu)\n", static_cast<unsigned long long>(checksum.value()),
              static_cast<unsigned long long>(arguments.seed));
  system.stop();
  return kOk;
}

}  // namespace cleave::cli
