// Mover::reload: a move of a module to its own next version.
#include "host/mover.hpp"
#include "host/newer_copy.hpp"
#include "observe/log.hpp"

namespace cleave::host {
namespace {

// Beside calls that go on, a migration must be quick; a longer one is for `cleave migrate`.
constexpr io::Millis kMigrateTime{10000};

void migrate(const Site& site, const postgres::MigrateOptions& options) {
  postgres::Migrated result;
  site.threads.run_on(
      0, [&] { result = postgres::migrate(options, io::Clock::now() + kMigrateTime); });
  for (const std::string& file : result.applied) {
    log::info(options.module, "applied migration", {{"file", file}});
  }
  if (!result.ok) throw std::runtime_error(result.why);
}

}  // namespace

Change Mover::reload(Seat& seat) {
  std::shared_ptr<Place> now = seat.place();
  const std::string goes_on = seat.name + " " + seat.library.module->version + " goes on: ";
  if (now == nullptr || !now->ours()) {
    throw Refused(409, goes_on + "it does not run here; reload it at the host that runs it");
  }
  if (!seat.migrated) {
    throw Refused(503, goes_on + "its database is not up, or its migrations are not applied yet");
  }
  const std::string where = now->name();
  now.reset();  // dispose() waits for whoever holds it
  return attempt("reloaded", goes_on, [&] {
    const loader::Library library =
        open_newer_copy(site_.settings, seat.library,
                        run_dir_ / (seat.name + "-copy-" + std::to_string(++generation_)));
    if (seat.migrations) migrate(site_, *seat.migrations);
    Change done = take_over(seat, library, where);
    done.from = seat.library.module->version;
    done.to = done.version;
    seat.library = library;
    return done;
  });
}

}  // namespace cleave::host
