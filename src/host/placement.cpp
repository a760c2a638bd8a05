#include "host/placement.hpp"

#include <algorithm>

#include "host/remote_place.hpp"
#include "observe/log.hpp"
#include "postgres/url.hpp"

namespace cleave::host {
namespace {

constexpr io::Millis kPatience{10000};

std::optional<postgres::MigrateOptions> migrations_of(const Settings& settings,
                                                      const std::string& name) {
  const auto found = settings.module.find(name);
  const auto folder = settings.sql_dir / name;
  if (found == settings.module.end() || found->second.database_url.empty() || !settings.migrate ||
      !std::filesystem::is_directory(folder)) {
    return std::nullopt;
  }
  const ModuleSettings& module = found->second;
  const bool owner = !module.owner_database_url.empty();
  return postgres::MigrateOptions{
      .module = name,
      .owner_url = owner ? module.owner_database_url : module.database_url,
      .runtime_role = owner ? postgres::parse_url(module.database_url).user : "",
      .folder = folder};
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Placement::Placement(const Site& site, const loader::Loaded& loaded) : site_(site) {
  for (const loader::Library& library : loaded.libraries) add(library, true);
  for (const loader::Library& library : loaded.elsewhere) add(library, false);
  const Settings& settings = site.settings;
  for (const auto& seat : seats_) {  // after all targets: a guarded module's peers are among them
    const auto url = settings.peer_url.find(seat->name);
    if (seat->ours) {
      const bool guarded = contains(settings.guard, seat->name);
      seat->settle(mover_.make(*seat, seat->library, guarded ? "guarded" : "here"));
    } else if (url != settings.peer_url.end() && !url->second.empty()) {
      seat->settle(mover_.make(*seat, seat->library, url->second));
    }
  }
}

Placement::~Placement() {
  stop();
}

/// A module elsewhere is known here by its manifest, so that its calls to us can be judged; it has
/// no public path here.
void Placement::add(const loader::Library& library, bool ours) {
  auto seat = std::make_unique<Seat>();
  seat->name = library.name();
  seat->ours = ours;
  seat->library = library;
  if (ours) seat->migrations = migrations_of(site_.settings, seat->name);
  const bool is_public = ours && library.module->path != nullptr;
  seat->target =
      &site_.router.add(seat->name, is_public ? library.module->path : "", library.depends_on());
  seats_.push_back(std::move(seat));
}

void Placement::start() {
  warden_ = std::make_unique<Warden>([this] { return tend(); });
  // Migrations of all modules run side by side, while the modules start.
  for (const auto& seat : seats_) {
    if (seat->place() == nullptr) continue;
    const auto open = [seat = seat.get()] {
      seat->open();
      seat->migrated = true;
    };
    if (seat->migrations) {
      seat->migrator = std::make_unique<Migrator>(*seat->migrations);
      seat->migrator->start(site_.threads[0], open);
    } else {
      open();
    }
  }
  for (const auto& seat : seats_) {
    if (seat->ours) begin(*seat);
  }
  // A start waits for no server that is away or says nothing: a migrator gives up connecting after
  // two seconds. For one that is there its migrations are worth a while: until then all is 503.
  const io::TimePoint patience = io::Clock::now() + kPatience;
  for (const auto& seat : seats_) {
    if (seat->migrator) seat->migrator->wait_for_first_try(patience);
  }
  check_neighbours();
}

/// A wrong URL is told at once, and not to the first user.
void Placement::check_neighbours() {
  std::vector<http::RemoteCheck::Peer> peers;
  for (const auto& seat : seats_) {
    auto* const place = dynamic_cast<RemotePlace*>(seat->place().get());
    if (place == nullptr) continue;
    const auto asker = std::find_if(seats_.begin(), seats_.end(), [&](const auto& one) {
      return one->ours && contains(one->library.depends_on(), seat->name);
    });
    if (asker != seats_.end()) peers.push_back({&place->endpoint(), (*asker)->name});
  }
  check_ = std::make_unique<http::RemoteCheck>(site_.threads, std::move(peers));
  check_->start();
}

void Placement::begin(Seat& seat) {
  const std::shared_ptr<Place> place = seat.place();
  if (place->name() == "here") return place->begin();
  try {
    warden_->run([&] { place->begin(); });
  } catch (const std::runtime_error& error) {  // a crash of its process is no failure of this one
    log::error("host", "a guarded module does not run: its routes answer 503",
               {{"module", seat.name}, {"why", error.what()}});
  }
}

void Placement::stop() {
  if (std::exchange(stopped_, true)) return;
  if (warden_) warden_->stop();
  if (check_) check_->stop();
  for (const auto& seat : seats_) {
    if (seat->migrator) seat->migrator->stop();
  }
  const auto end = [this](bool ours) {
    for (auto seat = seats_.rbegin(); seat != seats_.rend(); ++seat) {
      std::shared_ptr<Place> place = (*seat)->place();
      if (place == nullptr || (*seat)->ours != ours) continue;
      (*seat)->target->endpoint.store(nullptr, std::memory_order_release);
      (*seat)->settle(nullptr);
      mover_.dispose(std::move(place));
    }
  };
  end(true);
  end(false);
}

bool Placement::tend() {
  bool soon = false;
  for (const auto& seat : seats_) {
    const std::shared_ptr<Place> place = seat->place();
    if (place != nullptr && place->tend()) soon = true;
  }
  return soon;
}

Seat* Placement::find(std::string_view module) const noexcept {
  for (const auto& seat : seats_) {
    if (seat->name == module) return seat.get();
  }
  return nullptr;
}

std::vector<std::string> Placement::not_ready() const {
  std::vector<std::string> reasons;
  for (const auto& seat : seats_) {
    const std::shared_ptr<Place> place = seat->place();
    if (place == nullptr || !seat->ours) continue;
    if (!seat->migrated) {
      reasons.push_back(seat->name + ": its database is not up, or its migrations are not applied");
      continue;
    }
    const std::string why = place->why_not_ready();
    if (!why.empty()) reasons.push_back(seat->name + ": " + why);
  }
  return reasons;
}

http::Identity Placement::identity(std::string_view module) const {
  const Seat* const seat = find(module);
  const std::shared_ptr<Place> place = seat != nullptr ? seat->place() : nullptr;
  http::Identity nobody{.module = std::string(module), .version = "unknown", .place = "nowhere"};
  if (place == nullptr) return nobody;
  http::Identity found = place->look().identity.value_or(nobody);
  found.place = place->name();
  found.ready = found.ready && seat->migrated;
  return found;
}

bool Placement::change(std::function<Change()> work, Done done) {
  const auto outcome = std::make_shared<Outcome>();
  const auto job = [this, outcome, work = std::move(work)] {
    check_->stop();
    try {
      outcome->change = work();
    } catch (const Refused& refused) {
      outcome->status = refused.status();
      outcome->why = refused.what();
      log::warn("host", "not moved", {{"why", outcome->why}});
    }
  };
  return warden_->try_run(job, [outcome, done = std::move(done)] { done(*outcome); });
}

bool Placement::move(Seat& seat, std::string to, Done done) {
  return change([this, &seat, to = std::move(to)] { return mover_.move(seat, to); },
                std::move(done));
}

bool Placement::reload(Seat& seat, Done done) {
  return change([this, &seat] { return mover_.reload(seat); }, std::move(done));
}

}  // namespace cleave::host
