// A benchmark by hand, not a test: 32 fibers read 10,000 keys through the cache, with and without
// the near cache; compare with `redis-benchmark -t get -c 32 -s SOCKET`.
//
//   cache_bench unix:///path/redis.sock [SECONDS]
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "io/wait.hpp"
#include "observe/log.hpp"
#include "redis/cache.hpp"
#include "support/on_fiber.hpp"

using namespace cleave;

namespace {

constexpr int kFibers = 32, kKeys = 10000;

double fetches_a_second(const char* url, bool near, double seconds) {
  double rate = 0;
  test::on_fiber([&] {
    redis::Options options;
    options.url = url;
    options.near_cache = near;
    options.near_entries = kKeys * 2;
    redis::Redis redis(options);
    redis::Cache cache(redis, "product");
    const auto load = [](redis::Entry& out) {
      out = {1, redis::Kind::kValue, std::make_shared<const std::string>(120, 'x')};
      return true;
    };
    const auto far = [] { return io::Clock::now() + io::Millis(2000); };
    for (int i = 0; i < kKeys; ++i) cache.fetch(std::to_string(i), load, far());
    io::sleep_for(io::Millis(300));
    for (int i = 0; i < kKeys; ++i) cache.fetch(std::to_string(i), load, far());
    long count = 0;
    const io::TimePoint start = io::Clock::now();
    const io::TimePoint end = start + io::Millis(static_cast<int>(seconds * 1000));
    const std::function<void()> reader = [&] {
      for (unsigned i = static_cast<unsigned>(count); io::Clock::now() < end; ++count) {
        i = i * 1664525u + 1013904223u;
        cache.fetch(std::to_string((i >> 8) % kKeys), load, far());
      }
    };
    io::gather(std::vector<std::function<void()>>(kFibers, reader));
    rate = static_cast<double>(count) /
           std::chrono::duration<double>(io::Clock::now() - start).count();
    redis.close();
  });
  return rate;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: cache_bench unix:///path/redis.sock [SECONDS]\n");
    return 2;
  }
  log::init(log::Format::kText, log::Level::kInfo);
  const double seconds = argc > 2 ? std::atof(argv[2]) : 3;
  std::printf("near cache off: %8.0f fetches/s\n", fetches_a_second(argv[1], false, seconds));
  std::printf("near cache on:  %8.0f fetches/s\n", fetches_a_second(argv[1], true, seconds));
}
