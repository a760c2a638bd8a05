// Mover::reload: a move of a module to its own next version.
#include <utility>

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
  const std::shared_ptr<Place> now = seat.place();
  const auto refuse = [&](int status, const std::string& why) {
    throw Refused(status, seat.name + " " + seat.library.module->version + " goes on: " + why);
  };
  if (now == nullptr || !now->ours()) {
    refuse(409, "it does not run here; reload it at the host that runs it");
  }
  if (!seat.migrated) refuse(503, "its database is not up, or its migrations are not applied yet");
  const io::TimePoint began = io::Clock::now();
  std::shared_ptr<Place> next;
  try {
    const loader::Library library =
        open_newer_copy(site_.settings, seat.library,
                        run_dir_ / (seat.name + "-copy-" + std::to_string(++generation_)));
    if (seat.migrations) migrate(site_, *seat.migrations);
    next = make(seat, library, now->name());
    next->begin();
    Change done = change(seat, std::exchange(next, nullptr), library.module->version);
    done.ms = millis_since(began);
    done.from = seat.library.module->version;
    done.to = done.version;
    seat.library = library;
    log::info("host", "reloaded",
              {{"module", done.module},
               {"from", done.from},
               {"to", done.to},
               {"in_flight", std::to_string(done.in_flight)},
               {"ms", std::to_string(done.ms)}});
    return done;
  } catch (const Refused& refused) {
    refuse(refused.status(), refused.what());
  } catch (const std::exception& error) {
    if (next) dispose(std::move(next));
    refuse(422, error.what());
  }
  return {};
}

}  // namespace cleave::host
