#include "observe/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <vector>

#include "observe/log.hpp"

namespace cleave::observe {

void Histogram::observe(std::uint64_t micros) noexcept {
  std::size_t i = 0;
  while (i < kBounds.size() && micros > kBounds[i]) ++i;
  buckets_[i].add();
  sum_.add(micros);
}

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class FamilyScrape final : public Scrape {
 public:
  void counter(std::string_view name, std::string_view help, Labels labels, double value) override {
    sample(name, help, MetricType::Counter, labels).counter.value += value;
  }
  void gauge(std::string_view name, std::string_view help, Labels labels, double value) override {
    sample(name, help, MetricType::Gauge, labels).gauge.value += value;
  }
  void histogram(std::string_view name, std::string_view help, Labels labels,
                 const Histogram& value) override {
    auto& out = sample(name, help, MetricType::Histogram, labels).histogram;
    out.bucket.resize(Histogram::kBounds.size() + 1);
    std::uint64_t below = 0;  // the exposition format counts all that is at most the bound
    for (std::size_t i = 0; i < out.bucket.size(); ++i) {
      below += value.bucket(i);
      out.bucket[i].cumulative_count += below;
      out.bucket[i].upper_bound = i < Histogram::kBounds.size()
                                      ? Histogram::kBounds[i] / 1e6
                                      : std::numeric_limits<double>::infinity();
    }
    out.sample_count += below;
    out.sample_sum += static_cast<double>(value.sum_micros()) / 1e6;
  }

  std::vector<MetricFamily> take() {
    std::vector<MetricFamily> families;
    for (auto& [name, family] : families_) families.push_back(std::move(family));
    return families;
  }

 private:
  ClientMetric& sample(std::string_view name, std::string_view help, MetricType type,
                       Labels labels) {
    MetricFamily& family = families_[std::string(name)];
    if (family.name.empty()) {
      family.name = name;
      family.help = help;
      family.type = type;
    }
    std::vector<ClientMetric::Label> wanted;
    for (const auto& [label, text] : labels) {
      wanted.push_back({std::string(label), std::string(text)});
    }
    for (ClientMetric& metric : family.metric) {
      if (metric.label == wanted) return metric;
    }
    family.metric.emplace_back().label = std::move(wanted);
    return family.metric.back();
  }

  std::map<std::string, MetricFamily, std::less<>> families_;  // sorted: a scrape reads the same
};

double open_descriptors() {
  std::error_code error;
  double count = -1;  // the iterator's own
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  return std::max(count, 0.0);
}

/// Field 22 of /proc/self/stat, in clock ticks since boot, over btime of /proc/stat: proc(5).
double start_time_seconds() {
  std::ifstream self("/proc/self/stat"), system("/proc/stat");
  std::string text((std::istreambuf_iterator<char>(self)), {});
  const std::size_t name_end = text.rfind(')');  // the name may hold spaces and parentheses
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  double boot = 0;
  for (std::string line; std::getline(system, line);) {
    if (line.starts_with("btime ")) boot = std::strtod(line.c_str() + 6, nullptr);
  }
  return boot + std::strtod(field.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double resident_bytes() {
  std::ifstream in("/proc/self/statm");
  double total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void collect_process(Scrape& scrape) {
  static const double started = start_time_seconds();
  scrape.gauge("process_resident_memory_bytes", "Resident memory.", {}, resident_bytes());
  scrape.counter("process_cpu_seconds_total", "User and system time.", {}, cpu_seconds());
  scrape.gauge("process_open_fds", "Open file descriptors.", {}, open_descriptors());
  scrape.gauge("process_start_time_seconds", "Start, since the epoch.", {}, started);
  scrape.counter("cleave_log_dropped_total", "Log lines that standard error did not take.", {},
                 static_cast<double>(log::dropped()));
}

}  // namespace

struct Metrics::Impl {
  std::mutex mutex;
  std::vector<const Collector*> collectors;
};

Metrics::Metrics() : impl_(std::make_shared<Impl>()) {}
Metrics::~Metrics() = default;

std::shared_ptr<void> Metrics::add(Collector collector) {
  auto* const kept = new Collector(std::move(collector));
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->collectors.push_back(kept);
  }
  // The handle may outlive this object, so it holds the list and not the Metrics.
  return std::shared_ptr<void>(kept, [impl = impl_](void* gone) {
    {
      const std::lock_guard lock(impl->mutex);
      std::erase(impl->collectors, gone);
    }
    delete static_cast<Collector*>(gone);
  });
}

std::string Metrics::render() const {
  FamilyScrape scrape;
  collect_process(scrape);
  {
    // Held throughout: once a handle is dropped, its collector does not run any more.
    const std::lock_guard lock(impl_->mutex);
    for (const Collector* collector : impl_->collectors) (*collector)(scrape);
  }
  return prometheus::TextSerializer().prometheus::Serializer::Serialize(scrape.take());
}

}  // namespace cleave::observe
