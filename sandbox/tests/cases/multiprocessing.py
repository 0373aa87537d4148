import multiprocessing as mp, os, sys
def square(x):
    return x * x
def leave(code):
    sys.exit(code)
if __name__ == "__main__":
    with mp.Pool(3) as pool:
        print(pool.map(square, range(10)))
    p = mp.Process(target=leave, args=(5,)); p.start(); p.join(); print(p.exitcode)
    p = mp.Process(target=os.abort); p.start(); p.join(); print(p.exitcode)
    q = mp.Queue()
    p = mp.Process(target=q.put, args=("queued",)); p.start(); print(q.get()); p.join()
    ctx = mp.get_context("spawn")
    p = ctx.Process(target=leave, args=(3,)); p.start(); p.join(); print(p.exitcode)
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(square, range(5))))
