import asyncio
async def one(n):
    p = await asyncio.create_subprocess_exec("sh", "-c", f"sleep 0.0{n}; echo {n}; exit {n}", stdout=-1)
    out, _ = await p.communicate()
    return out.strip().decode(), p.returncode
async def main():
    print(await asyncio.gather(*(one(n) for n in range(6))))
    p = await asyncio.create_subprocess_exec("sleep", "5")
    p.kill()
    print(await p.wait())
asyncio.run(main())
