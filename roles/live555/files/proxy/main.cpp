// live555-proxy <camera id> <configuration file>
//
// Takes one camera's stream and serves it at rtsp://127.0.0.1:<port>/<camera id>, for as many viewers as come.

#include "config.hh"
#include "link.hh"
#include "service.hh"
#include "viewers.hh"

#include <GroupsockHelper.hh>
#include <MediaSink.hh>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <system_error>

namespace {

volatile std::sig_atomic_t stopAsked = 0;

extern "C" void askToStop(int) { stopAsked = 1; }

struct Service {
  TaskScheduler& scheduler;
  CameraLink* link;
  Seconds watchdogEvery;
  Clock::time_point watchdogFed;

  static void run(void* self) { static_cast<Service*>(self)->tick(); }

  void tick() {
    if (stopAsked != 0) {
      delete link;  // says TEARDOWN to the camera
      std::exit(EXIT_SUCCESS);
    }
    link->tick();
    Clock::time_point const now = Clock::now();
    if (watchdogEvery.count() > 0 && now - watchdogFed >= watchdogEvery) {
      watchdogFed = now;
      notifySystemd("WATCHDOG=1");
    }
    scheduler.scheduleDelayedTask(200'000, run, this);
  }
};

[[noreturn]] void serve(std::string const& id, CameraConfig const& config) {
  Log log(id);
  TaskScheduler* const scheduler = BasicTaskScheduler::createNew(0);
  auto* const env = new LoggingEnvironment(*scheduler, log);
  {
    LoopbackScope scope;
    ourIPv4Address(*env);  // the library would otherwise find "its" address by multicast
  }
  ViewerServer* server = nullptr;
  try {
    server = new ViewerServer(*env, config.port);
  } catch (std::system_error const& error) {
    std::cerr << id << ": cannot listen on 127.0.0.1 port " << config.port << ": " << error.code().message()
              << "; give the camera another port or end what uses this one" << std::endl;
    std::exit(EXIT_FAILURE);
  }
  log.line("listening on rtsp://127.0.0.1:" + std::to_string(config.port) + "/" + id + "; frames of up to " +
           std::to_string(OutPacketBuffer::maxSize) + " bytes pass");
  notifySystemd("READY=1\nSTATUS=Looking for the camera.");
  Service service{*scheduler, new CameraLink(*env, *server, id, config, log), watchdogInterval(), Clock::now()};
  service.tick();
  scheduler->doEventLoop();
  std::exit(EXIT_FAILURE);  // not reached: the loop has no end
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: live555-proxy <camera id> <configuration file>" << std::endl;
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, askToStop);
  std::signal(SIGINT, askToStop);
  try {
    checkCameraId(argv[1]);
    CameraConfig const config = readConfig(argv[2]);
    serve(argv[1], config);
  } catch (ConfigError const& error) {
    std::cerr << argv[1] << ": " << error.what() << std::endl;
    return 2;
  }
}
