#include "service.hh"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <iostream>

void Log::line(std::string const& text) {
  constexpr double burst = 20;
  constexpr double perSecond = 1.0 / 30;
  Clock::time_point const now = Clock::now();
  tokens_ = std::min(burst, tokens_ + Seconds(now - filled_).count() * perSecond);
  filled_ = now;
  if (tokens_ < 1) {
    ++leftOut_;
    return;
  }
  tokens_ -= 1;
  std::string out = prefix_ + ": " + text;
  if (leftOut_ > 0) out += " (" + std::to_string(leftOut_) + " lines before this one left out)";
  leftOut_ = 0;
  std::cerr << out + "\n" << std::flush;
}

UsageEnvironment& LoggingEnvironment::operator<<(char const* text) {
  constexpr std::size_t longestLine = 500;
  for (char const* c = text == nullptr ? "" : text; *c != '\0'; ++c) {
    if (*c != '\n') {
      // Parts of messages come from the network: keep them from forging lines or terminal sequences.
      if (pending_.size() < longestLine) pending_ += static_cast<unsigned char>(*c) < 0x20 ? ' ' : *c;
    } else if (!pending_.empty()) {
      log_.line("LIVE555: " + pending_);
      pending_.clear();
    }
  }
  return *this;
}
UsageEnvironment& LoggingEnvironment::operator<<(int number) { return *this << std::to_string(number).c_str(); }
UsageEnvironment& LoggingEnvironment::operator<<(unsigned number) { return *this << std::to_string(number).c_str(); }
UsageEnvironment& LoggingEnvironment::operator<<(double number) { return *this << std::to_string(number).c_str(); }
UsageEnvironment& LoggingEnvironment::operator<<(void*) { return *this << "(pointer)"; }

void notifySystemd(std::string const& message) {
  char const* const path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path == nullptr || path[0] == '\0' || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path);
  socklen_t const length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';  // abstract name space
  int const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  ssize_t const sent = sendto(fd, message.data(), message.size(), MSG_NOSIGNAL,
                              reinterpret_cast<sockaddr const*>(&address), length);
  if (sent < 0) std::cerr << "cannot notify systemd: " << std::strerror(errno) << std::endl;
  close(fd);
}

Seconds watchdogInterval() {
  char const* const text = std::getenv("WATCHDOG_USEC");
  double const microseconds = text == nullptr ? 0 : std::atof(text);
  return Seconds(std::max(0.0, microseconds) / 1e6 / 3);
}
