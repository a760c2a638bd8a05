// Calls to another host that are made together are one request, and nobody can tell but by the time
// that it takes.
#include <doctest/doctest.h>

#include <atomic>

#include "http/batch_wire.hpp"
#include "http/remote_peer.hpp"
#include "http/remote_world.hpp"
#include "io/wait.hpp"
#include "observe/metrics.hpp"

using namespace cleave;
using namespace cleave::test;
using namespace std::chrono_literals;

namespace {

using Calls = std::vector<std::function<void()>>;

std::string path_of(std::string_view request) {
  const std::size_t at = request.find(' ') + 1;
  return std::string(request.substr(at, request.find(' ', at) - at));
}

/// A peer that knows batches: each call is answered with its path, or by `part` when that says so.
class Peers {
 public:
  using Part = std::function<std::string(const std::string& path)>;
  explicit Peers(std::chrono::milliseconds work = 0ms, Part part = {}, int lost = 0)
      : part_(std::move(part)),
        lost_(lost),
        peer_([this, work](PeerConnection& connection) {
          for (std::string text; !(text = connection.request()).empty();) {
            if (!text.starts_with("POST /internal/user HTTP/1.1\r\n")) {
              ++singles_;
              if (!connection.say(peer_answer(path_of(text)))) return;
              continue;
            }
            ++batches_;
            if (lost_-- > 0) return;
            std::this_thread::sleep_for(work);
            if (!connection.say(peer_answer(answers(text)))) return;
          }
        }),
        world(peer_.url()) {}

  /// After one alone, so that there is a kept connection.
  void run(const Calls& calls) {
    world.run([&] {
      world.get();
      singles_ = 0;
      io::gather(calls);
    });
  }
  std::function<void()> asking(const std::string& path, int status,
                               io::Millis left = io::Millis(2500)) {
    return [this, path, status, left] {
      const Asked asked = world.ask({.method = "GET", .path = path}, left);
      CHECK(asked.response.status == status);
      if (status == 200) CHECK(asked.response.body == "/internal/user" + path);
      CHECK(asked.timing.find("user.http;dur=") != std::string::npos);
      slowest = std::max(slowest, asked.took);
    };
  }
  bool batched(int calls) {
    observe::Metrics metrics;
    const auto handle =
        metrics.add([this](observe::Scrape& scrape) { world.endpoint().collect(scrape); });
    return metrics.render().find("cleave_peer_batched_total{peer=\"user\"} " +
                                 std::to_string(calls) + "\n") != std::string::npos;
  }
  int singles() const { return singles_; }
  int batches() const { return batches_; }
  io::Millis slowest{0};

 private:
  std::string answers(std::string_view text) const {
    std::string_view rest = text.substr(text.find("\r\n\r\n") + 4);
    std::string all;
    for (std::string_view part; http::take_part(rest, part);) {
      const std::string path = path_of(part), said = part_ ? part_(path) : "as usual";
      http::append_part(all, said == "as usual" ? peer_answer(path) : said);
    }
    CHECK(rest.empty());
    return all;
  }
  Part part_;
  std::atomic<int> lost_, singles_{0}, batches_{0};
  Peer peer_;

 public:
  RemoteWorld world;
};

}  // namespace

TEST_CASE("calls made together are one request, each with its own answer and span") {
  Peers peer;
  peer.run({peer.asking("/users/1", 200), peer.asking("/users/2", 200),
            peer.asking("/users/2", 200), peer.asking("/users/3", 200)});
  CHECK(peer.batches() == 1);
  CHECK(peer.singles() == 0);
  CHECK(peer.batched(4));
}

TEST_CASE("who is alone, and what changes something, goes alone") {
  Peers peer;
  const auto other = [&](const Request& request) {
    return [&peer, request] { CHECK(peer.world.ask(request).response.status == 200); };
  };
  peer.run({other({.method = "POST", .path = "/users", .body = "{}"}),
            other({.method = "DELETE", .path = "/users/1"}),
            other({.method = "GET", .path = "/users/1", .body = "x"}),
            peer.asking("/users/1", 200)});
  CHECK(peer.batches() == 0);
  CHECK(peer.singles() == 4);
}

TEST_CASE("few calls after a large batch wait for company, a millisecond at most") {
  // Woken when the batches of a turn have been sent or held.
  struct Sent final : io::Hook {
    ~Sent() override { io::Loop::current()->forget(*this); }
    void send_batch() override { waiter.wake(); }
    io::Waiter waiter;
  };
  Peers peer;
  Calls many;
  for (int i = 0; i < 8; ++i) many.push_back(peer.asking("/users/" + std::to_string(i), 200));
  const Calls late = {peer.asking("/users/first", 200), [&] {
                        Sent first;  // by itself, it has found the connection idle and left
                        io::Loop::current()->batch(first);
                        CHECK(first.waiter.wait(io::Clock::now() + 1s));
                        peer.asking("/users/second", 200)();
                      }};
  bool together = false;
  // A machine that stops for a millisecond parts the two; it does not in each of many rounds.
  const auto rounds = [&] {
    for (int i = 0; i < 50 && !together; ++i) {
      const int batches = peer.batches(), singles = peer.singles();
      io::gather(many);
      io::gather(late);
      together = peer.batches() == batches + 2 && peer.singles() == singles;
    }
    const int singles = peer.singles();
    peer.asking("/users/lone", 200)();  // nobody comes: it leaves all the same
    CHECK(peer.singles() == singles + 1);
  };
  peer.run({rounds});
  CHECK(together);
}

TEST_CASE("more than a batch takes are several batches") {
  Peers peer;
  Calls calls;
  for (int i = 0; i < 150; ++i) calls.push_back(peer.asking("/users/" + std::to_string(i), 200));
  peer.run(calls);
  CHECK(peer.batches() == 3);
  CHECK(peer.batched(150));
}

TEST_CASE("a slow batch costs its calls a tenth of a second, and no batch follows for a while") {
  Peers peer(600ms);
  peer.run({peer.asking("/users/1", 200), peer.asking("/users/2", 200), [&] {
              io::sleep_for(io::Millis(150));
              peer.asking("/users/3", 200)();
            }});
  CHECK(peer.slowest < io::Millis(300));
  CHECK(peer.batches() == 1);
  CHECK(peer.singles() == 3);
  CHECK(peer.batched(0));
}

TEST_CASE("calls that come while a batch takes long do not wait for it") {
  Peers peer(90ms);
  const auto later = [&] {
    io::sleep_for(io::Millis(20));
    const io::TimePoint start = io::Clock::now();
    peer.asking("/users/3", 200)();
    CHECK(io::Clock::now() - start < 60ms);
  };
  peer.run({peer.asking("/users/1", 200), peer.asking("/users/2", 200), later});
}

TEST_CASE("of those that go together each leaves at its own deadline") {
  Peers peer(80ms);
  const auto hurried = [&] {
    const Asked asked = peer.world.get(io::Millis(50));
    CHECK(asked.response.status == 504);
    CHECK(asked.took < io::Millis(75));
  };
  peer.run({hurried, peer.asking("/users/2", 200), peer.asking("/users/3", 200)});
  CHECK(peer.batched(2));
}

TEST_CASE("calls that give up at any moment of a batch's way disturb no other") {
  Peers peer(2ms);
  Calls calls;
  std::atomic<int> right{0};
  for (int i = 0; i < 400; ++i) {
    calls.push_back([&, i] {
      io::sleep_for(io::Millis(i % 40));
      const std::string path = "/users/" + std::to_string(i);
      const Asked asked = peer.world.ask({.method = "GET", .path = path}, io::Millis(10 + i % 7));
      const bool late = asked.response.status == 504;
      right += late || asked.response.body == "/internal/user" + path ? 1 : 0;
    });
  }
  // A busy loop: whoever is ready waits for its turn among these.
  for (int i = 0; i < 100; ++i) {
    calls.push_back([] {
      for (int turn = 0; turn < 100; ++turn) io::sleep_for(io::Millis(0));
    });
  }
  peer.run(calls);
  CHECK(right == 400);
}

TEST_CASE("a peer that knows no batches is asked one by one") {
  for (const std::string& answer :
       {peer_answer("", "204 No Content"), peer_answer("{}"), peer_answer("9999999\nx"),
        peer_answer("", "400 Bad Request"),
        std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")}) {
    std::atomic<int> batches{0}, singles{0};
    const Peer peer([&](PeerConnection& connection) {
      for (std::string text; !(text = connection.request()).empty();) {
        const bool batch = text.starts_with("POST /internal/user HTTP");
        ++(batch ? batches : singles);
        if (!connection.say(batch ? answer : peer_answer("{}"))) return;
      }
    });
    RemoteWorld world(peer.url());
    world.run([&] {
      const Calls calls(3, [&] { CHECK(world.get().response.status == 200); });
      io::gather(calls);
      io::gather(calls);
    });
    CHECK(batches == 1);
    CHECK(singles == 6);
  }
}

TEST_CASE("what is wrong with one part is that call's alone") {
  Peers peer(0ms, [](const std::string& path) -> std::string {
    if (path.ends_with("/1")) return "HTTP/1.1 200 OK\r\n";  // cut
    if (path.ends_with("/2")) return peer_answer("{}") + "x";
    if (path.ends_with("/3")) return peer_answer("", "302 Found");
    if (path.ends_with("/4")) return "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    if (path.ends_with("/5")) return "";  // to be asked alone
    return "as usual";
  });
  peer.run({peer.asking("/users/1", 502), peer.asking("/users/2", 502),
            peer.asking("/users/3", 502), peer.asking("/users/4", 503),
            peer.asking("/users/5", 200), peer.asking("/users/6", 200)});
  CHECK(peer.batches() == 1);
  CHECK(peer.singles() == 1);
}

TEST_CASE("a batch on a kept connection that turns out closed is sent again") {
  Peers peer(0ms, {}, 1);
  peer.run({peer.asking("/users/1", 200), peer.asking("/users/2", 200)});
  CHECK(peer.batches() == 2);
  CHECK(peer.singles() == 0);
}

TEST_CASE("a batch to nobody is an answer for each") {
  std::string url;
  { url = Peer(always("")).url(); }
  RemoteWorld world(url);
  world.run([&] {
    io::gather(Calls(3, [&] {
      const Asked asked = world.get();
      CHECK(asked.response.status == 503);
      CHECK(has_slug(asked.response, "peer-unavailable"));
    }));
  });
}
