// What a well-behaved service needs around LIVE555: a log that cannot flood, and systemd's notifications.
#pragma once

#include <BasicUsageEnvironment.hh>

#include <chrono>
#include <string>

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// Lines to standard error, which is the journal. Twenty at once, then one per 30 seconds; what was left out is
// counted in the next line.
class Log {
 public:
  explicit Log(std::string prefix) : prefix_(std::move(prefix)) {}
  void line(std::string const& text);

 private:
  std::string prefix_;
  double tokens_ = 20;
  Clock::time_point filled_ = Clock::now();
  unsigned long leftOut_ = 0;
};

// The library's environment, with its own messages sent through a Log.
class LoggingEnvironment : public BasicUsageEnvironment {
 public:
  LoggingEnvironment(TaskScheduler& scheduler, Log& log) : BasicUsageEnvironment(scheduler), log_(log) {}

  UsageEnvironment& operator<<(char const* text) override;
  UsageEnvironment& operator<<(int number) override;
  UsageEnvironment& operator<<(unsigned number) override;
  UsageEnvironment& operator<<(double number) override;
  UsageEnvironment& operator<<(void* pointer) override;

 private:
  Log& log_;
  std::string pending_;
};

// sd_notify(3) without libsystemd: one datagram to $NOTIFY_SOCKET, nothing when that is not set.
void notifySystemd(std::string const& message);

// How often systemd wants to hear WATCHDOG=1 (a third of $WATCHDOG_USEC); zero when it does not.
Seconds watchdogInterval();
