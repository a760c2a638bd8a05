// A cheap random factor for jitter: spreads reconnects and expiries, nothing more.
#pragma once

#include <random>

namespace cleave::redis {

inline double chance(double least, double most) {
  thread_local std::minstd_rand engine(std::random_device{}());
  return std::uniform_real_distribution<double>(least, most)(engine);
}

}  // namespace cleave::redis
