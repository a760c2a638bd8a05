// Pipeline: one connection that many fibers share.
//
// Statements queue during a turn of the loop, or while a segment is in flight,
// and leave together: each as Bind and Execute of a prepared statement (its
// Parse travels along the first time), then one Sync (PostgreSQL manual, 34.5
// "Pipeline Mode"). The server runs a segment as one implicit transaction, so
// all of it commits at once and one fsync serves everybody.
//
// When a statement of a segment fails, the server rolls the segment back. Its
// statements are then repeated alone, each with a Sync of its own, still in one
// packet: nobody sees another's error. A read may be answered before the end of
// its segment, a write only after the commit.
//
// Statements of one text that are batched (cleave_host::query_batched) become one command with
// arrays; identical reads become one as well. Who shares a command forms a chain.
//
//   queue ──when its hook runs──► in flight ──Sync──► answered
//                                        │ one failed: rolled back
//                                        └──► in flight again, alone ──own
//                                        Sync──► answered
//
// All on one loop's thread.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/wait.hpp"
#include "postgres/connect.hpp"
#include "postgres/database.hpp"
#include "postgres/session.hpp"
#include "postgres/sqlstate.hpp"

namespace cleave::postgres {

/// What is counted, one writer thread each.
struct PipelineStats {
  observe::Counter statements, segments, shared, batched, repeats, connects;
  std::array<observe::Counter, kFailures> failures;
  std::atomic<std::int64_t> waiting{0};
  std::atomic<std::int64_t> down_since_ms{0};  // steady clock; 0: up, or not tried yet
};

class Pipeline final : io::FdHandler, io::Hook, io::Timer {
 public:
  enum class Role { kRead, kWrite };
  /// Connects at the first statement. `options` outlives this.
  Pipeline(const Options& options, Role role, PipelineStats& stats);
  ~Pipeline() override;  // after close()

  /// Waits for the outcome; the caller's Statement stays where it is meanwhile.
  /// `share`: an identical statement that waits too may answer it. Past its
  /// deadline a write that was sent is "outcome-unknown". [fiber]
  Result query(const Statement& statement, io::TimePoint deadline, bool share);
  /// Fails what waits and closes the connection. [fiber]
  void close();

 private:
  /// A fiber that waits, on that fiber's stack. `next` chains those that one command answers.
  struct Waiting {
    const Statement* statement;
    io::Waiter waiter;
    Result result;
    std::uint64_t hash = 0;
    Waiting* next = nullptr;
    unsigned chained = 1;   // of a chain's first: how many it is
    unsigned position = 0;  // in the batch that was sent, from 1
    unsigned batch = 0;     // how many were sent together
    int attempts = 0;
    bool answered = false;
  };
  /// One command in flight. `waiting` is null when it has been answered, or all
  /// that asked gave up.
  struct Sent {
    Waiting* waiting;
    std::uint32_t prepared;
    bool prepares;                    // a Parse goes before it
    bool unnamed;                     // … of the unnamed statement, for this once
    std::shared_ptr<pg_result> rows;  // its outcome: rows, an error, or neither (aborted)
    std::shared_ptr<pg_result> error;
  };
  /// A row of a batch's answer, by its column "key".
  struct Key {
    std::string_view text;
    int row;
    bool taken;
  };
  struct Prepared {
    std::string name;
    bool known = false;  // the server has acknowledged the Parse
  };
  static constexpr std::size_t kMostWaiting = 4096;
  static constexpr std::size_t kMostPrepared = 512;
  // Repeated at once. Few: each may wait for a lock, one after the other, and
  // all wait with it.
  static constexpr std::size_t kMostAlone = 3;
  static constexpr std::size_t kShares = 256;
  // The server says nothing before the end of a segment, or 8 KB: it is asked to after so many.
  static constexpr std::size_t kFlushEvery = 16;
  // Level-triggered: libpq reads as much as it likes, and the rest must be told again.
  static constexpr std::uint32_t kReading = EPOLLIN | EPOLLRDHUP;

  void send_batch() override;
  void on_ready(std::uint32_t events) override;
  void on_timer() override;

  Waiting** place_of(Waiting& waiting);
  bool join(Waiting* first, Waiting& waiting);
  bool give_up(Waiting& waiting);
  static bool replace(std::vector<Waiting*>& list, Waiting* old, Waiting* with);
  void answer(Waiting* waiting, const std::shared_ptr<pg_result>& rows);
  void answer(Waiting* waiting, const Error& error);
  void deal(Waiting* waiting, const std::shared_ptr<pg_result>& rows);
  bool deal_by_number(Waiting* waiting, const std::shared_ptr<pg_result>& rows, int column);
  bool deal_by_key(Waiting* waiting, const std::shared_ptr<pg_result>& rows, int column);
  static void give(Waiting& waiting, const std::shared_ptr<pg_result>& rows, int row);
  bool repeat_halves(Waiting* waiting);
  void wake_all(Waiting* waiting);

  void send_segment();
  void send_alone();
  bool send_one(Waiting* waiting);
  void set_batch(Waiting* first);
  std::uint32_t prepared_for(std::string_view sql);
  void sent();
  void expect_progress();
  void flush();

  void read_results();
  void on_result(std::shared_ptr<pg_result> result);
  void on_error_at_sync(std::shared_ptr<pg_result> error);
  void on_sync();
  void settle(Sent& sent);
  Error error_for(const Sent& sent);
  static void on_notice(void* self, const pg_result* notice);

  void connect_in_background();
  void connect_until_up();
  ConnectionPtr connect_once();
  void use(ConnectionPtr connection);
  void lost(const std::string& why);
  void tell_down(const ConnectionError& error);

  const Options& options_;
  const Role role_;
  PipelineStats& stats_;
  io::Loop& loop_;
  ConnectionPtr connection_;

  std::vector<Waiting*> queue_;  // not sent; a null was given up
  std::vector<Waiting*> alone_;  // to be repeated, each with its own Sync
  std::vector<Sent> in_flight_;
  std::size_t at_ = 0;          // which of in_flight_ the next result is for
  bool expects_parse_ = false;  // … or for its Parse
  bool expects_sync_ = false;   // … or the commit's
  bool one_by_one_ = false;     // in flight: each with its own Sync
  bool failed_ = false;         // a statement of this segment did, or its commit
  bool in_doubt_ = false;       // the server warned that the commit may not outlive it
  bool retire_ = false;         // the server takes no writes any more: find another
  bool closed_ = false;
  bool connecting_ = false;
  bool down_ = false;  // the last attempt to connect failed: fail at once
  Error down_error_;
  io::Waiter backoff_, closed_waiter_;
  std::array<Waiting*, kShares> shares_ = {};

  std::unordered_map<std::string, std::uint32_t> names_;
  std::vector<Prepared> prepared_;
  std::uint32_t next_name_ = 0;
  Parameters parameters_;
  std::vector<const Statement*> batch_;  // scratch of set_batch() …
  std::vector<int> row_of_;              // … and of deal_by_number() …
  std::vector<Key> keys_;                // … and of deal_by_key()
  io::TimePoint last_log_;
  bool write_blocked_ = false;
};

}  // namespace cleave::postgres
