// Seat: one module as this process knows it, wherever it lives at the moment.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "host/migrator.hpp"
#include "host/place.hpp"
#include "loader/library.hpp"

namespace cleave::host {

struct Seat {
  std::string name;
  router::Target* target = nullptr;
  bool ours = true;         // runs here, as configured; else it is only a neighbour of such modules
  loader::Library library;  // its manifest, and the code of a LocalPlace; the warden changes it
  std::optional<postgres::MigrateOptions> migrations;
  std::unique_ptr<Migrator> migrator;  // of the start
  std::atomic<bool> migrated{false};   // from then on the target's endpoint may be used
  std::string database;                // the last fingerprint seen; the warden's own

  /// Null: nowhere. Who holds it may use it, but for begin() and retire(). [any thread]
  std::shared_ptr<Place> place() const {
    const std::lock_guard lock(mutex_);
    return place_;
  }
  /// Where it lives, as told from now on; calls go where open() points them.
  void settle(std::shared_ptr<Place> place) {
    const std::lock_guard lock(mutex_);
    place_.swap(place);
  }
  /// New calls go to its place from now on; nowhere when it has none. [any thread]
  void open() {
    const std::shared_ptr<Place> there = place();
    if (there) target->endpoint.store(&there->endpoint(), std::memory_order_release);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Place> place_;
};

}  // namespace cleave::host
